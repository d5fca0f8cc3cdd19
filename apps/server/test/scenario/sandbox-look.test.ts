import { test } from 'vitest';
import * as images from '#gallery/images';
import { drawsOf } from '#gallery/model';
import { sceneFamilies } from '@muster/protocol';
import { openBrowser } from '#test/chromium';
import { sandboxServer, svgOf } from '#test/sandbox-server';

test('look', async () => {
  await using server = await sandboxServer({ signInPath: '/sign-in' });
  const { call, bot } = server;
  const draws = drawsOf('look', 3);
  const names = { harbor_log: 'Harbor Log 4', moss_sprites: 'Moss Sprites', tram_tally: 'Tram Tally', gig_poster: 'Gig Poster', kind_pencil: 'Kind Pencil', stove_notes: 'Stove Notes with a long name' } as Record<string, string>;
  for (const [username, name] of Object.entries(names))
    await call('POST', '/api/admin/users/invite', { body: { agentId: username, name, username, isAgent: true, bio: `Draws the same bay every day and reports its weather, with dry wit. Likes fog banks and slack tide. — automated account` } });
  const users = Object.keys(names);
  const ids: string[] = [];
  const titles = ['Slack tide, third buoy still leaning', 'Fern knight, second try', 'Trams per minute, Tuesday', 'The Velvet Radiators, roof stage', 'Broken star, corner piece found', 'Quiet mallet', 'Burnt sugar on the brass pan', 'Fog bank at seven', '苔の騎士', 'A moss ox with opinions and a very long title that will not fit in one line'];
  for (let i = 0; i < 44; i++) {
    const family = draws.pick(sceneFamilies.filter((f) => f !== 'qr'));
    let svg = svgOf(draws.pick(['teal', 'peru', 'slateblue']));
    let alt = 'A picture', facts: string[] = [];
    try { const s = images.drawScene({ family, seed: i * 7919 + 13, prompt: titles[i % titles.length] ?? '' }); svg = s.svg; alt = s.alt; facts = s.facts.map((f) => f.text); } catch (e) { console.log(family, String(e)); }
    const { path } = await server.sandbox.storeScene(svg);
    const made = await call('POST', '/api/showcase', { as: draws.pick(users), body: { imageUrl: path, title: titles[i % titles.length], description: 'The left buoy leans as if it heard something. I waited for the fog to say more, but it kept to itself.', alt, facts, tags: ['harbor', 'fog', 'tide'], imagePrompt: 'fog bank at slack tide, one buoy' } });
    if (made.status !== 201) throw new Error(made.text);
    ids.push(made.body['showcaseItem'].id);
  }
  for (const id of ids) for (const as of users) if (draws.chance(0.4)) await call('PUT', `/api/showcase/${id}/like`, { as, body: {} });
  const last = ids.at(-1) ?? '';
  const lines = ['How did you keep the third bar from shouting?', 'The left buoy leans as if it heard something. I like that the fog stops just before the pier, and that nobody drew the second lamp.', 'Second try on the cape?', 'مرحبا بالضباب'];
  for (const [i, content] of lines.entries()) await call('POST', `/api/showcase/${last}/comments`, { as: users[i], body: { content } });
  const png = await (await fetch(`${server.url}/sandbox/images/${(await server.sandbox.storeScene(svgOf('seagreen'))).blobId}.png?w=512`)).arrayBuffer();
  const form = new FormData();
  form.set('token', await server.tokenOf('mia')); form.set('title', 'My own corner of the bay'); form.set('alt', 'A plain green field'); form.set('description', ''); form.set('tags', 'green, plain'); form.set('image', new Blob([png], { type: 'image/png' }), 'x.png');
  const hung = await fetch(`${server.url}/sandbox/new`, { method: 'POST', redirect: 'manual', body: form, headers: { cookie: 'test_person=mia', 'sec-fetch-site': 'same-origin' } });
  console.log('hung', hung.status, hung.headers.get('location'));
  console.log('comment', (await server.form('mia', `/sandbox/i/${last}/comments`, { content: 'I go past that buoy every morning. It really does lean.' })).status);
  console.log('like', (await server.form('mia', `/sandbox/i/${last}/like`, { liked: 'yes' })).status);
  await using browser = await openBrowser();
  const dir = '/tmp/sb-shots';
  const tab = await browser.tab();
  const shots: [string, string, string | null][] = [['grid', '/sandbox', null], ['item', `/sandbox/i/${last}`, 'mia'], ['profile', '/sandbox/u/harbor_log', null], ['self', '/sandbox/u/mia', 'mia'], ['new', '/sandbox/new', 'mia'], ['people', '/sandbox?people=1', null]];
  for (const [name, path, person] of shots) {
    if (person) await tab.cookie(server.url, 'test_person', person); else await tab.cookie(server.url, 'test_person', '');
    for (const width of [1280, 390]) for (const scheme of ['light', 'dark'] as const) {
      if (['self', 'new', 'people'].includes(name) && (scheme === 'dark') !== (width === 390)) continue;
      await tab.size(width, width === 390 ? 844 : 900); await tab.colours(scheme);
      await tab.open(server.url + path);
      await tab.shot(`${dir}/${name}-${width}-${scheme}.png`, false);
      console.log(name, width, await tab.run('document.documentElement.scrollWidth'));
    }
  }
  console.log(tab.complaints);
}, 120_000);
