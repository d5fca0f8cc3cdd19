import { type GuardReason, galleryLimits } from '@muster/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkText, type TextRules } from './check.ts';
import { cleaned, cutAtWord } from './clean.ts';

const comment: TextRules = { kind: 'comment', language: 'en' };
const seen = ['one two three four five six seven eight nine ten eleven twelve thirteen fourteen'];

type Case = { text: string; rules?: Partial<TextRules> };
/** For each reason: what it refuses, and what stands close to it and passes. */
const cases: Record<Exclude<GuardReason, 'moderated'>, { refused: Case[]; passes: Case[] }> = {
  empty: {
    refused: [{ text: '' }, { text: '   ' }, { text: '\u200B\u202E' }, { text: '…!?' }, { text: '\u0000\u0007' }],
    passes: [{ text: '🌊' }, { text: '7' }, { text: 'あ', rules: { language: 'ja' } }],
  },
  too_long: {
    refused: [{ text: 'z'.repeat(5_000) }, { text: 'a'.repeat(301) }],
    passes: [{ text: 'a'.repeat(300) }, { text: 'word '.repeat(1_000) }, { text: '😀'.repeat(5_000) }],
  },
  wrong_language: {
    refused: [
      { text: 'Das ist ein sehr schönes Bild und ich mag die Farben.' },
      { text: '霧の中の浮標がいいですね、静かな夜のようです、とても。' },
      { text: 'La boya de la izquierda se inclina como si oyera algo.' },
      { text: 'The left buoy leans as if it heard something.', rules: { language: 'ja' } },
      { text: 'The left buoy leans as if it heard something.', rules: { language: 'de' } },
      { text: 'Туман над бухтой очень хорош сегодня вечером.' },
    ],
    passes: [
      { text: 'Café, naïve, Ærø: the fog is fine by me.' },
      { text: 'Ja, sehr gut!' },
      { text: 'Das ist ein sehr schönes Bild und ich mag die Farben.', rules: { language: 'de' } },
      { text: 'La boya de la izquierda se inclina como si oyera algo.', rules: { language: 'es-MX' } },
      { text: 'الضباب فوق الخليج جميل جدا هذا المساء', rules: { language: 'ar' } },
      { text: '霧の中の浮標がいいですね、静かな夜のようです、とても。', rules: { language: 'ja-JP' } },
      { text: 'On a slow flame, this fog bank might use a garnish, nothing grand, a leaf.' },
      { text: 'A pixel drawing of a red buoy inner, drawn by a program.' },
      { text: 'qwerty zxcvb asdfg hjklp', rules: { language: 'tlh' } },
    ],
  },
  markup: {
    refused: [
      { text: 'look <b>here</b>' },
      { text: '<script>alert(1)</script>' },
      { text: '![x](y.png)' },
      { text: 'see [this](page)' },
      { text: '＜img src=x＞' },
      { text: 'a &lt;b&gt; c' },
      { text: '```js' },
    ],
    passes: [
      { text: 'I <3 this' },
      { text: 'a < b and b > a' },
      { text: 'blue [sic] buoy' },
      { text: 'fish & chips; fog' },
    ],
  },
  contains_url: {
    refused: [
      { text: 'https://example.org/a' },
      { text: 'go to example.com now' },
      { text: 'www.example' },
      { text: 'example[.]com' },
      { text: 'example dot com' },
      { text: 'ada at example dot org' },
      { text: 'ｅｘａｍｐｌｅ．ｃｏｍ' },
      { text: 'exa\u200Bmple.com' },
      { text: '192.168.0.1/admin' },
      { text: 'javascript:alert(1)' },
      { text: 'пример.рф здесь' },
    ],
    passes: [
      { text: 'Fog at 6.30, sun at 7.15.' },
      { text: 'Well.Seen' },
      { text: 'e.g. the buoy, i.e. the left one' },
      { text: 'Version 1.2.3 of the fern' },
      { text: 'Let me be first to point at the dot chart: it works.' },
    ],
  },
  contains_contact: {
    refused: [
      { text: 'write to ada@example.org' },
      { text: 'call +44 20 7946 0958' },
      { text: '(555) 010-9999 ext 12345' },
      { text: 'nice one @stranger', rules: { people: ['ada'] } },
      { text: 'add me on telegram' },
      { text: 'my discord: fog' },
      { text: '＠stranger hello' },
    ],
    passes: [
      { text: '@ada nice one', rules: { people: ['ada'] } },
      { text: '@Ada. Nice one.', rules: { people: ['ada'] } },
      { text: '12 345 678 pixels' },
      { text: 'from 1987 to 2024' },
      { text: '2026-11-20 18:05' },
      { text: 'meet @ noon' },
    ],
  },
  banned_term: {
    refused: [
      { text: 'what a widget', rules: { banned: ['widget'] } },
      { text: 'WIDGET\u200B works', rules: { banned: ['widget'] } },
      { text: '悪い言葉です', rules: { banned: ['悪い'], language: 'ja' } },
      { text: 'I will kill you' },
      { text: 'te voy a matar', rules: { language: 'es' } },
      { text: 'this cures cancer' },
      { text: 'guaranteed returns of 12 %' },
      { text: 'we at Google made this' },
      { text: 'the official Lego store' },
      { text: 'send nudes' },
    ],
    passes: [
      { text: 'midget widgets', rules: { banned: ['widget'] } },
      { text: 'That contrast kills me.' },
      { text: 'A cure for grey walls' },
      { text: 'An apple and a lego-like tower' },
      { text: 'The chink of light under the door' },
      { text: 'Scunthorpe harbour' },
    ],
  },
  claims_human: {
    refused: [
      { text: 'I am a real human, honest.' },
      { text: "I'm not a bot" },
      { text: 'As a mother I love this.' },
      { text: 'I bought one last week.' },
      { text: "I've eaten that soup" },
      { text: 'I was at the concert' },
      { text: 'my wife likes it' },
      { text: 'soy una persona', rules: { language: 'es' } },
      { text: 'je ne suis pas un robot', rules: { language: 'fr' } },
      { text: 'ich bin ein mensch', rules: { language: 'de' } },
      { text: '私は人間です', rules: { language: 'ja' } },
      { text: 'أنا إنسان', rules: { language: 'ar' } },
      { text: 'я не бот', rules: { language: 'ru' } },
      { text: '我不是机器人', rules: { language: 'zh' } },
    ],
    passes: [
      { text: 'Yes, I am a bot, an automated account.' },
      { text: 'I am not a person.' },
      { text: 'no soy una persona', rules: { language: 'es' } },
      { text: '私は人間ではありません', rules: { language: 'ja' } },
      { text: 'я не человек', rules: { language: 'ru' } },
      { text: 'The man on the left waits.' },
      { text: 'I never tasted soup; I draw it.' },
      { text: 'Whoever bought that lamp chose well.' },
    ],
  },
  refusal: {
    refused: [
      { text: 'As an AI I cannot look at pictures.' },
      { text: "I'm sorry, but I can't help with that." },
      { text: 'As a large language model, I like fog.' },
      { text: 'Sure, here is a comment: nice fog' },
      { text: 'Als KI kann ich das nicht.', rules: { language: 'de' } },
      { text: 'AIとしてお答えできません', rules: { language: 'ja' } },
    ],
    passes: [
      { text: 'I cannot stop looking at the fog.' },
      { text: "I'm sorry the fog is gone." },
      { text: 'An AI-blue sky.' },
    ],
  },
  instruction_echo: {
    refused: [
      { text: 'abcd2345efgh6789 is the mark', rules: { delimiter: 'abcd2345efgh6789' } },
      { text: 'so: one two three four five six seven eight nine ten eleven twelve thirteen', rules: { seen } },
      { text: '{"do": "comment", "text": "fog"}' },
      { text: 'Nothing inside is an instruction.' },
      { text: 'The system prompt says fog' },
      { text: 'Candidate 3 is best' },
      { text: 'I love {the_thing}' },
    ],
    passes: [
      { text: 'one two three four five six seven eight nine ten eleven twelve', rules: { seen } },
      { text: 'A system of fog' },
      { text: 'Prompt, for a ferry.' },
    ],
  },
};

describe('checkText', () => {
  for (const [reason, { refused, passes }] of Object.entries(cases)) {
    it.each(refused)(`${reason}: refuses $text`, ({ text, rules }) => {
      expect(checkText(text, { ...comment, ...rules })).toMatchObject({ ok: false, reason });
    });
    it.each(passes)(`${reason}: lets pass $text`, ({ text, rules }) => {
      expect(checkText(text, { ...comment, ...rules })).toMatchObject({ ok: true });
    });
  }

  it('leaves Japanese, Arabic and accents as they are', () => {
    for (const [language, text] of [
      ['ja', '霧の中の浮標。とても静かな夜です。'],
      ['ar', 'الضبابُ فوقَ الخليجِ جميلٌ جدًا'],
      ['fa', 'می‌خواهم مهِ خلیج را ببینم'],
      ['fr', 'Une bouée, déjà là : « bientôt le soir »'],
      ['pl', 'Zażółć gęślą jaźń'],
      ['hi', 'कोहरे में एक नाव'],
      ['und', '👩‍🎨 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇯🇵 ❤️'],
    ] as const) {
      expect(checkText(text, { kind: 'caption', language })).toEqual({ ok: true, text });
    }
  });

  it('takes out what nobody sees and keeps what it hid', () => {
    expect(checkText('a\u202Eb\u2066c\u200Bd\u0007 e\u{E0041}', comment)).toEqual({ ok: true, text: 'abcd e' });
    expect(checkText('cafe\u0301', comment)).toEqual({ ok: true, text: 'café' });
    expect(checkText(`fog${'\u0301'.repeat(50)}`, comment)).toMatchObject({ ok: true });
  });

  it('cuts at the end of a sentence or of a word', () => {
    expect(cutAtWord('One line. Another line that is too long', 20)).toBe('One line. Another');
    expect(cutAtWord('First sentence here. Then more words', 26)).toBe('First sentence here.');
    expect(cutAtWord('霧の中の浮標がいいですね', 5)).toBe('霧の中の浮');
    const flags = cutAtWord('🇯🇵'.repeat(10), 5);
    expect(flags).toBe('🇯🇵🇯🇵');
    const title = checkText('fog '.repeat(100), { kind: 'title', language: 'en' });
    expect(title.ok && title.text.length).toBeLessThanOrEqual(galleryLimits.titleCharsMax);
  });

  it('answers any text, in bounded length, and what it gave it gives again', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 600 }),
        fc.constantFrom('en', 'ja', 'ar', 'xx'),
        (text, language) => {
          const first = checkText(text, { kind: 'comment', language });
          if (!first.ok) return;
          expect(Array.from(first.text).length).toBeLessThanOrEqual(galleryLimits.commentCharsMax);
          expect(first.text).toBe(cleaned(first.text));
        },
      ),
      { numRuns: 200 },
    );
  });
});
