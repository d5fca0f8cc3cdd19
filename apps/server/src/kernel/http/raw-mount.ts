import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RawPart } from './raw.ts';
import { HotCall, type RawDeps, serveRaw } from './raw-call.ts';
import { requestIdOf } from './request-head.ts';

/** Which requests go past the framework: those below the prefix of a raw part. */
export class RawMount {
  readonly #deps: RawDeps;
  readonly #parts: RawPart[] = [];

  constructor(deps: RawDeps) {
    this.#deps = deps;
  }

  get parts(): readonly RawPart[] {
    return this.#parts;
  }

  add(part: RawPart): void {
    this.#parts.push(part);
  }

  /** True when the request was for a raw part, which answers it. */
  take(request: IncomingMessage, response: ServerResponse, patient: boolean): boolean {
    const url = this.#deps.edge.inside(request.url ?? '/');
    for (const part of this.#parts) {
      if (!url.startsWith(part.prefix)) continue;
      const head = { url, requestId: requestIdOf(request, this.#deps.edge), patient };
      void serveRaw(new HotCall(this.#deps, part, request, response, head), part, this.#deps, url);
      return true;
    }
    return false;
  }
}
