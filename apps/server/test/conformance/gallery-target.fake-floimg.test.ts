import { fakeFloImg } from '#test/fake-floimg';
import { hurriedClock, onePixel, targetClient } from '#test/target-client';
import { type GalleryTargetHarness, galleryTargetContract, type TargetMishap } from './gallery-target.ts';

/** Toggles and no keys, as FloImg is; then with keys and explicit likes; then the older dialect. */
const kinds = [
  { name: 'fake FloImg', idempotency: false, explicitLike: false, legacy: false },
  { name: 'fake FloImg with keys and explicit likes', idempotency: true, explicitLike: true, legacy: false },
  { name: 'fake FloImg with the older secret', idempotency: false, explicitLike: false, legacy: true },
] as const;

for (const { name, idempotency, explicitLike, legacy } of kinds) {
  galleryTargetContract(name, async (): Promise<GalleryTargetHarness> => {
    const fake = await fakeFloImg();
    Object.assign(fake, { idempotency, explicitLike });
    const person = fake.person('somebody');
    const credentials = legacy
      ? { token: null, legacySecret: fake.legacySecret }
      : { token: fake.token, legacySecret: null };
    const capabilities = { idempotency, explicitUnlike: explicitLike, upload: true, execute: true };
    return {
      target: targetClient({ baseUrl: fake.url, credentials, clock: hurriedClock(), row: { capabilities } }),
      image: () =>
        Promise.resolve({
          blobId: 'blb_test',
          mimeType: 'image/png',
          bytes: () => Promise.resolve(onePixel),
          publicUrl: 'https://muster.example/one.png',
        }),
      personPosts: (title) => Promise.resolve(fake.personPosts(person, title).id),
      faults: (mishaps) => {
        fake.faults.splice(0, fake.faults.length, ...mishaps.map(faultOf));
        return Promise.resolve();
      },
      close: async () => fake[Symbol.asyncDispose](),
    };
  });
}

const faultOf = ({ kind, method, path, times }: TargetMishap) => ({
  kind,
  ...(method === undefined ? {} : { method }),
  ...(path === undefined ? {} : { path: new RegExp(`^${path.replaceAll('*', '[^/?]+')}(\\?|$)`) }),
  ...(times === undefined ? {} : { times }),
});
