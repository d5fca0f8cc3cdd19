/* oxlint-disable typescript/no-unsafe-assignment, typescript/no-unsafe-argument, typescript/no-unsafe-return, typescript/no-misused-promises, typescript/no-floating-promises, typescript/restrict-template-expressions, explicit-module-boundary-types -- plain JavaScript: nothing types it */
/* What the pages do on top of plain forms and links: news come in by themselves, hearts and comments without a new page, a
 * switch for dark and light. Everything works without it. */

const { base = '', live, item, wall } = document.body.dataset;
const peopleOnly = 'people' in document.body.dataset;

/** The choice lies in a cookie, so that the server draws the next page right from the first byte. */
function themeSwitch() {
  const button = document.querySelector('[data-theme-switch]');
  if (!button) return;
  button.hidden = false;
  button.addEventListener('click', () => {
    const root = document.documentElement;
    const dark =
      (root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark';
    root.dataset.theme = dark ? 'light' : 'dark';
    // biome-ignore lint/suspicious/noDocumentCookie: the store for cookies is not everywhere yet
    document.cookie = `sandbox_theme=${root.dataset.theme}; path=${base}/sandbox; max-age=31536000; samesite=lax`;
  });
}

/** Sends a form as it is and answers the JSON; throws what the server said was wrong. */
async function send(form, submitter) {
  const fields = new URLSearchParams(new FormData(form, submitter));
  const answer = await fetch(form.action, { method: 'POST', body: fields, headers: { accept: 'application/json' } });
  const value = await answer.json();
  if (!answer.ok) throw new Error(value.error ?? 'That did not work.');
  return value;
}

function hearts() {
  document.querySelector('[data-like]')?.addEventListener('submit', async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const button = form.querySelector('button');
    try {
      const { liked, likeCount } = await send(form, button);
      button.setAttribute('aria-pressed', String(liked));
      button.value = liked ? 'no' : 'yes';
      button.querySelector('[data-likes]').textContent = likeCount;
      button.querySelector('.unseen').textContent = ` likes. ${liked ? 'Take yours back' : 'Like it'}`;
    } catch {
      form.submit();
    }
  });
}

function speaking() {
  const form = document.querySelector('[data-speak]');
  form?.addEventListener('submit', async (event) => {
    event.preventDefault();
    const wrong = form.querySelector('[data-wrong]');
    wrong.textContent = '';
    try {
      const { id, html } = await send(form);
      putComment(id, html);
      form.reset();
    } catch (error) {
      wrong.textContent = error.message;
    }
  });
}

/** Markup of the server, which escaped it. */
function madeOf(html) {
  const template = document.createElement('template');
  template.innerHTML = html;
  return template.content.firstElementChild;
}

/** At its end; one that is there is replaced only by one that can do more. */
function putComment(id, html) {
  const thread = document.querySelector('[data-thread]');
  const made = madeOf(html);
  const known = document.getElementById(id);
  if (known && !made.querySelector('form')) return;
  if (known) known.replaceWith(made);
  else {
    made.classList.add('fresh');
    thread.append(made);
  }
  document.querySelector('[data-silence]')?.setAttribute('hidden', '');
}

function follow() {
  const source = new EventSource(live);
  const waiting = new Map();
  const on = (name, act) => source.addEventListener(name, ({ data }) => act(JSON.parse(data)));
  // After a cut something may have been missed: say so instead of guessing.
  let cut = false;
  const sign = document.querySelector('[data-live-sign]');
  source.addEventListener('error', () => {
    cut = true;
    if (sign) sign.hidden = true;
  });
  on('hello', () => {
    if (cut) offerReload();
    cut = false;
    if (sign) sign.hidden = false;
  });
  on('again', offerReload);
  on('counts', showCounts);
  on('gone', ({ id }) => {
    waiting.delete(id);
    for (const node of document.querySelectorAll(`.card[data-item="${CSS.escape(id)}"]`)) node.classList.add('gone');
  });
  on('comment', ({ id, comment, html }) => {
    if (id === item) putComment(comment, html);
  });
  on('item', ({ id, by, html }) => {
    if (wall !== 'recent' || new URLSearchParams(location.search).has('page')) return;
    if (peopleOnly && by !== 'person') return;
    if (document.querySelector(`.card[data-item="${CSS.escape(id)}"]`)) return;
    waiting.set(id, html);
    // The oldest that nobody looked at give way: a page that stays open does not grow.
    if (waiting.size > 60) waiting.delete(waiting.keys().next().value);
    offer(waiting);
  });
}

const newsLine = document.querySelector('.news');
const newsButton = document.querySelector('[data-news]');
let onNews = () => {};
newsButton?.addEventListener('click', () => onNews());

/** New pictures wait for a click, so that nothing jumps under anybody's eyes. */
function offer(waiting) {
  if (!newsLine || !newsButton) return;
  newsLine.hidden = false;
  newsButton.textContent = waiting.size === 1 ? '1 new picture' : `${waiting.size} new pictures`;
  onNews = () => {
    const rows = document.querySelector('[data-wall-rows]');
    if (!rows) return location.reload();
    for (const html of waiting.values()) {
      const made = madeOf(html);
      made.classList.add('fresh');
      rows.prepend(made);
    }
    while (rows.children.length > 240) rows.lastElementChild.remove();
    waiting.clear();
    newsLine.hidden = true;
    rows.querySelector('a').focus({ preventScroll: true });
    scrollTo({ top: 0, behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
  };
}

function offerReload() {
  if (!newsLine || !newsButton) return;
  newsLine.hidden = false;
  newsButton.textContent = 'A lot has changed. Load again';
  onNews = () => location.reload();
}

function showCounts({ id, likes, humanLikes, botLikes, comments }) {
  for (const node of document.querySelectorAll(`[data-item="${CSS.escape(id)}"]`)) {
    const put = (name, value) => {
      for (const place of node.querySelectorAll(`[data-${name}]`)) place.textContent = value;
    };
    put('likes', likes);
    put('comments', comments);
    put('human-likes', humanLikes);
    put('bot-likes', botLikes);
  }
}

function tickTimes() {
  for (const time of document.querySelectorAll('time')) {
    const ms = Date.now() - Date.parse(time.dateTime);
    if (ms >= 7 * 86_400_000) continue;
    const [size, unit] = [
      [86_400_000, 'd'],
      [3_600_000, 'h'],
      [60_000, 'min'],
    ].find(([least]) => ms >= least) ?? [1, ''];
    time.textContent = unit ? `${Math.floor(ms / size)} ${unit} ago` : 'just now';
  }
}

themeSwitch();
hearts();
speaking();
setInterval(tickTimes, 60_000);
if (live) follow();
