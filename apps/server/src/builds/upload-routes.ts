import { newUploadSchema, type Upload, uploadSchema } from '@muster/protocol';
import { z } from 'zod';
import { invalid } from '#kernel/base';
import { answer, type Routes } from '#kernel/http';
import { appendUpload, requireUpload, uploadOffset } from './append-upload.ts';
import { completeUpload, dropUpload } from './complete-upload.ts';
import { countRefusals } from './count-refusals.ts';
import { openUpload, showUpload } from './open-upload.ts';
import type { Room } from './room.ts';

const oneUpload = z.object({ id: z.string() });
const completion = z.strictObject({
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, '64 hex digits')
    .optional(),
});
const completed = z.object({ sha256: z.string(), sizeBytes: z.number().int() });
const auth = { scope: 'builds:operate', or: ['attempt', 'worker'] } as const;
const chunkType = 'application/offset+octet-stream';

/** `/v1/uploads`: a file in pieces that goes on after a cut. */
export function uploadRoutes(room: Room): (http: Routes) => void {
  return (http) => {
    http.route({
      method: 'POST',
      path: '/v1/uploads',
      auth,
      summary: 'Open an upload',
      body: newUploadSchema,
      status: 201,
      answers: { 201: { description: 'Where to send the bytes', schema: uploadSchema } },
      handle: (call) => countRefusals(room, () => openUpload(room, call.who, call.input.body, call.once())),
    });
    http.route({
      method: 'PATCH',
      path: '/v1/uploads/:id',
      auth,
      summary: 'Add bytes at `Upload-Offset`; those acknowledged are on disk',
      params: oneUpload,
      rate: 'exempt',
      accepts: { [chunkType]: 'the next bytes of the file' },
      answers: { 204: { description: '`Upload-Offset` says how many bytes there are now' } },
      handle: (call) =>
        countRefusals(room, async () => {
          if (call.contentType !== chunkType) {
            throw invalid('wrong_content_type', `This call takes ${chunkType}.`, {
              status: 415,
              extra: { expected: [chunkType] },
            });
          }
          const given = offsetOf(call.headers['upload-offset']);
          const body = call.stream({ bytesMax: room.config.chunkBytesMax });
          const offset = await appendUpload(room, call.who, call.input.params.id, given, body);
          return answer(204, undefined, { 'upload-offset': String(offset) });
        }),
    });
    http.route({
      method: 'GET',
      path: '/v1/uploads/:id',
      auth,
      summary: 'How far an upload is; HEAD gives the headers alone',
      params: oneUpload,
      rate: 'exempt',
      answers: {
        200: { description: 'The upload; also as `Upload-Offset` and `Upload-Length`', schema: uploadSchema },
      },
      handle: async (call) => {
        const row = await requireUpload(room, call.who, call.input.params.id);
        const offset = await uploadOffset(room, row);
        const headers = {
          'upload-offset': String(offset),
          'upload-length': String(row.sizeBytes),
          'cache-control': 'no-store',
        };
        const shown: Upload = showUpload(room, row, offset);
        return answer(200, shown, headers);
      },
    });
    http.route({
      method: 'DELETE',
      path: '/v1/uploads/:id',
      auth,
      summary: 'Forget an upload',
      params: oneUpload,
      answers: { 204: { description: 'It is gone' } },
      handle: (call) => dropUpload(room, call.who, call.input.params.id),
    });
    http.route({
      method: 'POST',
      path: '/v1/uploads/:id/complete',
      auth,
      summary: 'Close an upload and check it',
      params: oneUpload,
      body: completion,
      answers: { 200: { description: 'What was stored', schema: completed } },
      handle: (call) =>
        countRefusals(room, () => completeUpload(room, call.who, call.input.params.id, call.input.body.sha256)),
    });
  };
}

function offsetOf(header: string | string[] | undefined): number {
  if (typeof header === 'string' && /^\d{1,15}$/.test(header)) return Number(header);
  throw invalid('bad_offset', 'The header Upload-Offset says at which byte this piece begins.', {
    errors: [{ pointer: 'Upload-Offset', detail: 'a whole number of bytes' }],
  });
}
