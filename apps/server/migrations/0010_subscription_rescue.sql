-- A wake whose event is in the wake stream waits for a worker, not for its job: the rescue of forgotten wakes must tell them apart.
alter table muster.subscriptions
  -- Generation of the last wake whose event is in the wake stream.
  add column announced bigint;
