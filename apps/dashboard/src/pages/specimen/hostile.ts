/* Texts that try to be more than text. */
export const hostile = {
  script: '<script>alert(1)</script><img src=x onerror=alert(1)>',
  bidi: 'invoice\u202Egpj.exe\u202C and \u2066isolated\u2069 \u200Fmark',
  surrogate: 'half \ud83d of a pair, and \udc00 another',
  control: 'bell \u0007 escape \u001b[31m null \u0000 line\nbreak',
  long: 'x'.repeat(100_000),
  wide: 'Ẓ̌á̲l͔̝̞̄̑͌g̖̘̘̔̔͢͞͝o̪̔T̢̙̫̈̍͞e̬͈͕͌̏͑x̺̍ṭ̓̓ͅ and 👩‍👩‍👧‍👦 emoji',
} as const;
