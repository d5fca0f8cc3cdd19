import {
  clonePersonaSchema,
  exportedSchema,
  galleryPersonaSchema,
  importedSchema,
  pageOf,
  pageQuery,
  personaPreviewedSchema,
  previewPersonaSchema,
} from '@muster/protocol';
import { z } from 'zod';
import type { Routes } from '#kernel/http';
import { asker } from './access.ts';
import { changePersona, clonePersona, createPersona, removePersona } from './persona-changes.ts';
import { importPersonas } from './persona-import.ts';
import { exportPersonas, getPersona, listGalleryPersonas } from './persona-list.ts';
import { previewPersona } from './preview-persona.ts';
import type { Room } from './room.ts';

const onePersona = z.object({ id: z.string().max(60) });
const thePersona = { description: 'The persona', schema: galleryPersonaSchema };
const yesNo = z
  .enum(['true', 'false', '1', '0', ''])
  .default('false')
  .transform((word) => word === 'true' || word === '1' || word === '');

/** `/v1/gallery/personas`. */
export function personaRoutes(room: Room): (http: Routes) => void {
  const bytesMax = room.config.importBytesMax;
  return (http) => {
    http.route({
      method: 'GET',
      path: '/v1/gallery/personas',
      auth: { scope: 'gallery:read' },
      summary: 'Personas by id, the built-in ones included',
      query: pageQuery,
      answers: { 200: { description: 'One page', schema: pageOf(galleryPersonaSchema) } },
      handle: ({ who, input }) => listGalleryPersonas(room, who, input.query),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/personas',
      auth: { scope: 'gallery:operate' },
      summary: 'Make a persona',
      accepts: { 'application/json': 'a whole persona, as an export has it' },
      status: 201,
      answers: { 201: thePersona },
      handle: async (call) => createPersona(room, asker(call), await call.json(z.unknown()), call.once()),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/personas/import',
      auth: { scope: 'gallery:operate' },
      summary: 'Take personas from a document, row by row',
      description:
        'A list, `{personas: […]}` or one persona, ours or with the older keys; at most 5 MB and 500 rows. What is wrong with a row refuses that row and the rest goes in. With `dryRun` nothing is written.',
      query: z.strictObject({ dryRun: yesNo }),
      accepts: { 'application/json': 'personas' },
      answers: { 200: { description: 'What became of each row', schema: importedSchema } },
      handle: async (call) =>
        importPersonas(room, asker(call), await call.json(z.unknown(), { bytesMax }), call.input.query.dryRun),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/personas/preview',
      auth: { scope: 'gallery:read' },
      summary: 'Three made-up bots of a persona, saved or not, with a picture and texts of each; nothing is kept',
      body: previewPersonaSchema,
      answers: { 200: { description: 'What they would show and say', schema: personaPreviewedSchema } },
      handle: ({ who, input }) => previewPersona(room, who, input.body),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/personas/export',
      auth: { scope: 'gallery:read' },
      summary: 'Personas as an import takes them',
      query: z.strictObject({ ids: z.string().max(20_000).optional() }),
      answers: { 200: { description: 'The document', schema: exportedSchema } },
      handle: ({ who, input }) => exportPersonas(room, who, input.query.ids?.split(',').map((id) => id.trim()) ?? null),
    });
    http.route({
      method: 'GET',
      path: '/v1/gallery/personas/:id',
      auth: { scope: 'gallery:read' },
      summary: 'One persona',
      params: onePersona,
      answers: { 200: thePersona },
      handle: ({ who, input }) => getPersona(room, who, input.params.id),
    });
    http.route({
      method: 'PATCH',
      path: '/v1/gallery/personas/:id',
      auth: { scope: 'gallery:operate' },
      summary: 'Change a persona of your own; its bots think by it from their next think on',
      params: onePersona,
      accepts: { 'application/json': 'the fields that change, each whole' },
      answers: { 200: thePersona },
      handle: async (call) =>
        changePersona(
          room,
          asker(call),
          call.input.params.id,
          await call.json(z.record(z.string(), z.unknown())),
          (version) => call.ifMatch(version),
        ),
    });
    http.route({
      method: 'DELETE',
      path: '/v1/gallery/personas/:id',
      auth: { scope: 'gallery:operate' },
      summary: 'Remove a persona; its bots move to another one with `moveTo`',
      params: onePersona,
      query: z.strictObject({ moveTo: z.string().max(60).optional() }),
      answers: {
        200: {
          description: 'It is gone',
          schema: z.object({ id: z.string(), moved: z.number().int() }),
        },
      },
      handle: (call) =>
        removePersona(room, asker(call), call.input.params.id, call.input.query.moveTo, (version) =>
          call.ifMatch(version),
        ),
    });
    http.route({
      method: 'POST',
      path: '/v1/gallery/personas/:id/clone',
      auth: { scope: 'gallery:operate' },
      summary: 'A copy under another id: how a built-in persona is edited',
      params: onePersona,
      body: clonePersonaSchema,
      status: 201,
      answers: { 201: thePersona },
      handle: (call) => clonePersona(room, asker(call), call.input.params.id, call.input.body, call.once()),
    });
  };
}
