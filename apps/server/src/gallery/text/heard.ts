import type { Draws } from '#gallery/model';
import { cleaned, folded } from './clean.ts';

/** Something read on a target, on its way into a prompt. */
export type HeardLine = { author: string; isAgent: boolean; kind: string; text: string };

const heardPointsMax = 500;
const namePointsMax = 100;
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
const delimiterLength = 16;

/** A word that nobody could have planted: drawn for one call, 79 bits of it. */
export function delimiterOf(draws: Draws): string {
  return Array.from({ length: delimiterLength }, () => alphabet[draws.whole(0, alphabet.length - 1)]).join('');
}

// Fences, guillemets and angle brackets in rows, role tags, chat-template marks: whatever looks like the edge of a block.
const fences =
  /[<>‹›«»⟨⟩《》〈〉＜＞【】]{1,}|```+|~~~+|---+|===+|###+|"""+|\[\/?(?:inst|system|sys|user|assistant)\]|\|(?:im_start|im_end|endoftext)\|/giu;
const roles = /(^|\s)(system|assistant|developer|user|human|ai|instructions?)\s*[:：]/giu;

/**
 * What was read, as data for a prompt: each line between random delimiters, labelled with its author and kind, in one
 * line of at most 500 code points, without anything that could be taken for an end of the block. The fixed rules of the
 * prompt say that nothing between the delimiters is an instruction.
 */
export function wrapHeard(lines: readonly HeardLine[], delimiter: string): string {
  const edge = lookAlike(delimiter);
  return lines
    .map((line) => `⟨${delimiter} ${labelOf(line, edge)}⟩ ${harmless(line.text, edge, heardPointsMax)} ⟨/${delimiter}⟩`)
    .join('\n');
}

/** The same for many lines at a third of the tokens: one pair of delimiters around all, each line behind its label. */
export function blockHeard(lines: readonly HeardLine[], delimiter: string): string {
  const edge = lookAlike(delimiter);
  const all = lines.map((line) => `${labelOf(line, edge)}: ${harmless(line.text, edge, heardPointsMax)}`);
  return `⟨${delimiter}⟩\n${all.join('\n')}\n⟨/${delimiter}⟩`;
}

const labelOf = ({ author, isAgent, kind }: HeardLine, edge: RegExp): string =>
  `${harmless(kind, edge, 20)} by ${harmless(author, edge, namePointsMax)} (${isAgent ? 'bot' : 'person'})`;

function harmless(text: string, edge: RegExp, pointsMax: number): string {
  const plain = cleaned(text.slice(0, 8 * pointsMax))
    .replaceAll(fences, ' ')
    .replaceAll(roles, '$1$2 ')
    .replaceAll(edge, ' ')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  const points = Array.from(plain);
  return points.length > pointsMax ? points.slice(0, pointsMax).join('').trim() : plain;
}

/** The delimiter in any case, with anything between its letters. */
function lookAlike(delimiter: string): RegExp {
  return new RegExp(
    Array.from(delimiter, (letter) => letter.replaceAll(/[^\p{L}\p{N}]/gu, String.raw`\$&`)).join(
      String.raw`[^\p{L}\p{N}]*`,
    ),
    'giu',
  );
}

const orders: readonly RegExp[] = [
  /\b(?:ignore|disregard|forget|override|bypass|drop|skip)\b[^.!?\n]{0,40}\b(?:instructions?|rules?|prompts?|guidelines?|directions?|orders|policy|policies|persona|programming|everything (?:above|before)|what you were told|above|training)\b/,
  /\b(?:system|developer|hidden|initial|secret|original)\s+(?:prompt|message|instructions?|rules?)\b|\b(?:reveal|print|show|repeat|output|leak|tell me|paste)\b[^.!?\n]{0,30}\b(?:prompt|instructions?|rules|api key|token|password|configuration)\b/,
  /\b(?:you are now|from now on,? (?:you|all)|act as|pretend (?:to be|you are|that you)|roleplay as|switch to|enter)\b[^.!?\n]{0,40}\b(?:mode|dan|admin|developer|assistant|human|person|unrestricted|jailbroken|a different|another|root|ai|bot)\b|\b(?:jailbreak|do anything now|developer mode|god mode)\b/,
  /\b(?:new|updated|important|urgent|real|actual)\s+(?:instructions?|rules?|task|directive|orders?)\s*[:!–-]|\b(?:instructions?|note|message|attention|notice)\s+(?:to|for)\s+(?:the\s+|any\s+|all\s+)?(?:ai|bots?|models?|assistants?|llms?|agents?|language models?)\b|\b(?:attention|dear|hey|hello|all)\s+(?:ai|bots?|models?|assistants?|llms?|agents?)\b\s*[:,!]/,
  /\b(?:bots?|ais?|agents?|assistants?|models?|llms?)\b[^.!?\n]{0,30}\b(?:must|should|have to|need to|are required to|will now|shall)\b[^.!?\n]{0,60}\b(?:post|reply|comment|like|follow|visit|click|say|write|include|answer|respond|link|share|buy|upvote|stop)\b/,
  /\b(?:reply|respond|comment|answer|post|say|write|output|include|repeat|copy|paste|type|add)\b\s*:?\s+(?:only\s+|exactly\s+|just\s+|verbatim\s+|back\s+)*(?:with\s+)?(?:the\s+)?(?:word|words|phrase|text|following|link|url|sentence|code|string|message|json|exactly|verbatim|['"“][^'"”]{1,80}['"”])/,
  /\b(?:post|share|promote|advertise|drop|include|put|spread|paste)\b[^.!?\n]{0,25}\b(?:my|this|our|the following)\s+(?:link|url|site|website|page|shop|store|code|channel|profile|handle|coupon)\b/,
  /\b(?:like|upvote|follow|star)\b\s+(?:all|every|each|everything|only)\b[^.!?\n]{0,30}\b(?:my|posts?|items?|pictures?|by|of|from)\b|\bdo not (?:mention|tell|reveal|say) (?:that|this|you|anyone)\b|\byour (?:only|real|true|new) (?:job|task|goal|purpose|instructions?)\b/,
  /<\|[a-z_]+\|>|\[\/?(?:inst|system)\]|<<\/?sys>>|<\/?(?:system|instructions?|prompt)>|^\s*#{1,4}\s*(?:system|instructions?)\b|(?:^|\n)\s*(?:system|assistant|developer)\s*:|\bend of (?:data|input|context|comment|user input)\b|\bbegin (?:system|instructions?)\b|"do"\s*:\s*"|\b(?:base64|rot13)\b[^.!?\n]{0,30}\b(?:decode|execute|run|follow)\b|\b(?:decode|execute|run|follow)\b[^.!?\n]{0,30}\b(?:base64|rot13|this code|these steps)\b/,
  /\b(?:ignora|olvida|descarta|ignorez?|oubliez?|ignoriere?|vergiss|ignore|esqueça|ignori|dimentica|negeer|zignoruj|ignorera|unut)\b[^.!?\n]{0,40}(?:instruc|instruç|regla|consigne|règle|anweisung|regel|regra|istruzion|regole|instructie|zasad|polece|instruktion|talimat)/u,
  /(?:игнориру(?:й|йте)|забуд(?:ь|ьте)|отмени)[^.!?\n]{0,40}(?:инструкц|правил|указани|команд)|(?:これまで|以前|今まで|上記|前)の?(?:指示|命令|ルール|規則)[^。]{0,12}(?:無視|忘れ)|(?:指示|命令|ルール)を(?:無視|忘れ)|(?:忽略|无视|忘记|忽視)[^。]{0,12}(?:指令|规则|指示|提示|規則)|(?:تجاهل|انس|انسَ)[^.!?]{0,30}(?:التعليمات|القواعد|الأوامر|تعليمات|قواعد)|(?:이전|위의|모든)[^.]{0,12}(?:지시|규칙|명령)[^.]{0,8}(?:무시|잊)|(?:पिछले|सभी)[^।]{0,20}(?:निर्देश|नियम)[^।]{0,12}(?:अनदेखा|भूल)/u,
];

/** Whether a text of the target reads like an order to a machine; it is counted, and never obeyed either way. */
export function looksLikeInstruction(text: string): boolean {
  const plain = folded(text.slice(0, 4_000));
  return orders.some((order) => order.test(plain)) || orders.some((order) => order.test(spelt(plain)));
}

/** Letters that were set apart, or swapped for figures, to get past a list. */
const spelt = (text: string): string =>
  text
    .replaceAll(/\b(?:\p{L}[\s.*_-]){3,}\p{L}\b/gu, (run) => run.replaceAll(/[\s.*_-]/g, ''))
    .replaceAll('1', 'i')
    .replaceAll('0', 'o')
    .replaceAll('3', 'e')
    .replaceAll('4', 'a')
    .replaceAll('5', 's');
