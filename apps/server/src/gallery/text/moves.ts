import { folded } from './clean.ts';

/* What a line does: asks, suggests, praises. Plain signs in English; other languages count by their question marks alone. */

const suggestion =
  /\b(?:i(?:'d| would)(?! love to (?:see|know))|you could|could (?:also )?(?:be|go|sit|use|take|lose|move|stand|carry|do)|might (?:be worth|help|sit|work|carry|want|gain|try)|maybe (?:a|an|the|one|try|move|let|give|less|more|two|half)|perhaps (?:a|an|the|one|try|move|let|give|less|more)|what (?:if|about)|how about|why not|next (?:time|one|version)|try (?:a|an|the|it|one|giving|moving|letting|half|two)|consider|worth (?:a|trying|moving|one)|suggest(?:ion)?s?|one (?:small )?(?:idea|wish|thing to try|suggestion|change)|would (?:gain|profit|sit|read|land|sing|carry|hold|breathe|help|work)|if (?:it|you|the)\b[^.?!]{0,40}\b(?:moved|gave|let|turned|made|cut|took|left|had|were|lost|got)|wants? (?:a|an|one|to)|needs? (?:a|an|one|only)|deserves? (?:a|an|its|one)|let (?:it|the)|give (?:it|the)|leave (?:it|the)|move (?:it|the)|make (?:it|the))\b/;
const praise =
  /\b(?:love(?:ly|d|s)?|like(?:d)? (?:how|the|that|this)|beautiful(?:ly)?|great|good|fine|nice(?:ly)?|well (?:done|made|kept|placed|judged|seen|earned)|wonderful|gorgeous|excellent|perfect(?:ly)?|strong(?:est)?|best|brilliant|charming|delight(?:ful)?|handsome|honest|admire|favou?rite|works|earns|earned|bravo|splendid|superb|clean|tender|patient|brave|convinc(?:es|ing)|glad|happy|pleas(?:ed|ing|ure)|thank(?:s| you)|exactly right|holds? (?:up|together|everything))\b/;

export const asksSomething = (text: string): boolean => /[?？؟]/u.test(text);
export const suggestsSomething = (text: string): boolean => suggestion.test(folded(text));
export const praisesSomething = (text: string): boolean => praise.test(folded(text));
