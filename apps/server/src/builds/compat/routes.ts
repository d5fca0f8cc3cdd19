import type { Http } from '#kernel/http';
import type { Room } from '../room.ts';
import { signRoutes } from './build-signs.ts';
import { channelRoutes } from './channel.ts';
import { sayLegacy } from './legacy-error.ts';
import { declareIn } from './legacy-routes.ts';
import { readRoutes } from './read-routes.ts';
import { registerRoutes } from './register.ts';
import { statsRoutes } from './stats-routes.ts';
import { submitRoutes } from './submit.ts';
import { uploadRoutes } from './upload.ts';
import { vmRoutes } from './vm.ts';
import { workerRoutes } from './worker-routes.ts';

/** The whole API of the replaced build controller, at its old places, over the operations of this room. */
export function compatRoutes(room: Room): (http: Http) => void {
  return (http) => {
    const area = http.area({ prefixes: ['/api', '/public', '/worker'], errors: sayLegacy });
    const declare = declareIn(room, area);
    submitRoutes(room, declare);
    readRoutes(room, declare);
    vmRoutes(room, declare);
    signRoutes(room, declare);
    uploadRoutes(room, declare);
    registerRoutes(room, declare);
    workerRoutes(room, declare);
    statsRoutes(room, declare);
    channelRoutes(room, area);
    http.health(() => healthOf(room));
  };
}

/** Fields that installers and dashboards of the replaced controller look for. */
function healthOf(room: Room): { ok: boolean; fields: Readonly<Record<string, unknown>> } {
  const { pending, active } = room.counts.read();
  const ok = room.db.healthy();
  return {
    ok,
    fields: {
      queue: { pending, active, total: pending + active },
      storage: { path: room.blobs.kind, exists: true },
      database: ok ? 'healthy' : 'unhealthy',
      queue_manager: 'healthy',
      heartbeat_monitor: 'healthy',
      timestamp: new Date(room.clock.now()).toISOString(),
    },
  };
}
