/** Variables of programs beside the server. They mean nothing here, and being set is no mistake. */
export const foreignNames: Readonly<Record<string, string>> = {
  MUSTER_URL: 'address the command line client talks to',
  MUSTER_TOKEN: 'credential of a worker',
  MUSTER_PROFILE: 'profile of the command line client',
};

/** Names of replaced systems that have nothing to say here; why. */
export const ignoredNames: Readonly<Record<string, string>> = {
  PHX_SERVER: 'the server always listens',
  ECTO_IPV6: 'DATABASE_URL decides',
  DB_QUEUE_TARGET: 'the pool has its own limits (MUSTER_DB_POOL_MAX)',
  DB_QUEUE_INTERVAL: 'the pool has its own limits (MUSTER_DB_POOL_MAX)',
  CLUSTER_NODES: 'nodes find each other by their database',
  DNS_CLUSTER_QUERY: 'nodes find each other by their database',
  DNS_CLUSTER_NODE_BASENAME: 'nodes find each other by their database',
  DNS_POLL_INTERVAL_MS: 'nodes find each other by their database',
};

/** Values from READMEs and templates: with MUSTER_ENV=production they are refused. */
export const exampleSecrets: readonly string[] = [
  'changeme',
  'change-me',
  'change_me',
  'secret',
  'password',
  'example',
  'your-secret',
  'your-api-key',
  'test-api-key',
  'dev-api-key',
  'placeholder',
  'insecure',
  '0123456789abcdef',
];
