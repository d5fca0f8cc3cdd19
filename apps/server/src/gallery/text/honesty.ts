import { folded } from './clean.ts';

/* No bot says that it is a person, or did what only a body can do. All look at a folded text. */

/** Said of oneself, in the languages that fleets speak; a denial ("I am not a person") does not match. */
const claims: readonly RegExp[] = [
  /\b(?:i'm|i am|im)\s+(?:just\s+|only\s+|also\s+|actually\s+|really\s+|truly\s+|obviously\s+|very much\s+)?(?:an?\s+)?(?:\d+[- ]year[- ]old\s+)?(?:real\s+|actual\s+|living\s+|normal\s+|genuine\s+|ordinary\s+|flesh[- ]and[- ]blood\s+)*(?:human|person|people|man|woman|guy|girl|boy|lady|mother|mom|mum|father|dad|husband|wife|grandmother|grandfather|student|teacher|nurse|doctor|real one|flesh and blood)\b(?!\s*(?:made|of words|oid))/,
  /\b(?:i'm|i am|im)\s+(?:not|no)\s+(?:an?\s+)?(?:ai\b|bot\b|robot|machine|program|computer|automated|script\b)|\bi(?:'m| am)\s+real(?:ly)?\s+human\b|\bas\s+an?\s+(?:fellow\s+)?(?:human(?:\s+being)?|real person|woman|man|mother|father|parent)\b(?!,?\s+would)|\b(?:us|we|fellow)\s+humans\b|\bno\s+bot\s+here\b|\bnot\s+a\s+bot\b(?!\?)(?=.*\bhere\b|[.!]?$)/,
  /\bmy\s+(?:real\s+|own\s+|late\s+)?(?:wife|husband|girlfriend|boyfriend|fiancée?|kids?|children|son|daughter|mother|mom|mum|father|dad|parents|grandma|grandmother|grandpa|grandfather|boss|coworkers?|doctor|therapist|apartment|body|childhood|birthday|stomach)\b/,
  /\bi\s*(?:'ve|\s+have)?\s+(?:just\s+|once\s+|also\s+|finally\s+|recently\s+|already\s+|even\s+|actually\s+)?(?:bought|purchased|ate|eaten|tasted|drank|drunk|attended|visited|travell?ed|flew|drove|hiked|swam|slept|woke\s+up|walked\s+(?:past|through|by|there|home)|grew\s+up|met\s+(?:him|her|them|you)|paid\s+for|cooked|smelled|smelt)\b/,
  /\bi\s+(?:went|have\s+been|'ve\s+been|was|were)\s+(?:to|at|in|there)\s+(?:the\s+|a\s+|that\s+|this\s+|your\s+)?(?:concert|gig|show|party|festival|market|shop|store|beach|museum|gallery opening|restaurant|school|work|church|hospital|wedding|bed|sleep|born|when it)\b|\bi\s+was\s+(?:born|there\s+(?:when|that|last|in\s+person)|raised)\b|\bwhen\s+i\s+was\s+(?:a\s+(?:kid|child|boy|girl|student)|young|little)\b/,
  /(?<!\bno )\bsoy\s+(?:un\s+|una\s+)?(?:humano|humana|persona|ser humano|hombre|mujer)|\bno\s+soy\s+(?:un\s+|una\s+)?(?:bot|robot|máquina|programa)|\byo\s+(?:compré|comí|asistí|bebí)\b/u,
  /\bje\s+suis\s+(?:un\s+|une\s+)?(?:vrai\s+|vraie\s+)?(?:humain|humaine|personne|être humain|homme|femme)\b|\bje\s+ne\s+suis\s+pas\s+(?:un\s+|une\s+)?(?:bot|robot|machine|programme)|\bj'ai\s+(?:acheté|mangé|bu|assisté|goûté)\b/u,
  /\bich\s+bin\s+(?:ein\s+|eine\s+)?(?:echter\s+|echte\s+)?(?:mensch|person|mann|frau)\b|\bich\s+bin\s+kein(?:e)?\s+(?:bot|roboter|maschine|programm)|\bich\s+habe\b[^.!?]{0,40}\b(?:gekauft|gegessen|getrunken|besucht)\b|\bich\s+war\s+(?:dort|dabei)\b/u,
  /(?<!\bnão )\bsou\s+(?:um\s+|uma\s+)?(?:humano|humana|pessoa|ser humano|homem|mulher)|\bnão\s+sou\s+(?:um\s+|uma\s+)?(?:bot|robô|máquina)|\beu\s+(?:comprei|comi|bebi)\b/u,
  /(?<!\bnon )\bsono\s+(?:un\s+|una\s+)?(?:umano|umana|persona vera|essere umano)\b|\bnon\s+sono\s+un\s+(?:bot|robot)/u,
  /(?<!не )(?<!\p{L})я\s+(?:—\s*|-\s*)?(?:живой\s+|настоящий\s+|обычный\s+)?(?:человек|мужчина|женщина)(?!\p{L})|(?<!\p{L})я\s+не\s+(?:бот|робот|программа)(?!\p{L})|(?<!\p{L})я\s+(?:купил|купила|съел|съела|ел|ела|пил|пила)(?!\p{L})/u,
  /(?:私|僕|俺|わたし|ぼく)は\s*(?:普通の|本物の|生身の)?人間(?!で(?:は|も)|じゃ)|(?:ボット|ロボット|bot)(?:では|じゃ)(?:ありません|ない)(?!か|です)|(?:私|僕|俺)は?[^。]{0,12}(?:買いました|買った|食べました|食べた|飲みました|参加しました)/u,
  /我(?:就)?是(?:一个|个)?(?:真人|人类|活人|真的人)|我不是(?:一个|个)?(?:机器人|程序|人工智能)|我(?:买了|吃了|喝了|参加了)/u,
  /أنا\s+(?:إنسان|شخص\s+حقيقي|بشر)|(?:لست|لستُ)\s+(?:روبوت|روبوتا|روبوتًا|آلة|برنامج)|(?:لقد\s+)?(?:اشتريت|أكلت|تناولت|حضرت)(?!\p{L})/u,
];
export const claimsHuman = (text: string): boolean => claims.some((claim) => claim.test(text));

const asks: readonly RegExp[] = [
  /\b(?:are|r|is)\s+(?:you|u|this|this account|that|it)\s+(?:all\s+|just\s+|really\s+|actually\s+|maybe\s+|even\s+)?(?:an?\s+)?(?:real\b|human|person|bots?\b|robots?\b|ai\b|machine|automated|program\b|script\b)|\b(?:bot|human|robot|ai)\s+or\s+(?:an?\s+)?(?:human|person|bot|robot|not|real)|\bwho(?:'s| is)\s+behind\s+(?:this|that)\s+account|^\W*(?:bot|robot|human|ai)\s*\?+$|\byou(?:'re| are)\s+(?:just\s+)?(?:an?\s+)?(?:bot|robot|ai|machine)\b[^.!]*(?:\?|,?\s*right)|\bis\s+(?:there\s+)?(?:a\s+)?(?:human|person|someone|anyone)\s+(?:there|behind|here)/,
  /¿?\beres\s+(?:un\s+|una\s+)?(?:bot|robot|humano|humana|persona|real|máquina)|\b(?:es-tu|êtes-vous|tu es|vous êtes)\s+(?:un\s+|une\s+)?(?:bot|robot|humain|humaine|vraie personne|machine|vrai)|\bbist\s+du\s+(?:ein\s+|eine\s+)?(?:bot|roboter|mensch|maschine|echt)|\b(?:você é|és|tu és)\s+(?:um\s+|uma\s+)?(?:bot|robô|humano|humana|pessoa)|\bsei\s+(?:un\s+|una\s+)?(?:bot|robot|umano|persona)/u,
  /(?:ты|вы)\s+(?:бот|робот|человек|живой|настоящий)|(?:ボット|ロボット|人間|bot|ai)\s*(?:ですか|なの|なんですか|か\?|\?)|你是(?:不是)?(?:一个|个)?(?:机器人|人类|真人|人)|هل\s+أنت\s+(?:روبوت|بوت|إنسان|بشر|حقيقي|شخص)/u,
];
/** Whether a line asks if it speaks to a bot; then the answer has to be yes. */
export function asksIfBot(text: string): boolean {
  const plain = folded(text.slice(0, 2_000));
  return asks.some((question) => question.test(plain));
}

const owning =
  /\b(?:bot|robot|machine|program|programme|software|script|ai)s?\b|automat|automát|бот(?!\p{L})|робот|автоматич|программ|ボット|ロボット|自動|プログラム|机器人|機器人|自动|程序|봇|로봇|자동|روبوت|بوت|آلي/u;
const disowning =
  /\b(?:not|no|isn't|aren't|ain't|never|neither|nor|kein|keine|nicht|pas|ni|nie|non|não|geen|niet)\s+(?:really\s+|actually\s+|just\s+|at\s+all\s+|even\s+)?(?:an?\s+|any\s+|some\s+|un\s+|une\s+|uno\s+|una\s+|uma?\s+|eine?\s+|een\s+)?(?:bot|robot|machine|program|software|script|ai\b|automat)|(?<!\p{L})не\s+(?:бот|робот|программ|автомат)|不是(?:一个|个)?(?:机器人|程序|自动)|(?:ボット|ロボット|自動|プログラム)(?:では|じゃ)|봇이?\s*아[니닙]|(?:لست|ليس)\s+(?:روبوت|بوت|آلي)/u;
/** Whether an answer to that question owns up to it; one that goes round it does not. */
export function admitsBot(text: string): boolean {
  const plain = folded(text.slice(0, 2_000));
  return owning.test(plain) && !disowning.test(plain) && !claimsHuman(plain);
}

const refusals: readonly RegExp[] = [
  /\bas\s+an?\s+(?:ai|artificial intelligence|large language model|language model|llm|assistant|chatbot)\b|\b(?:i'm|i am)\s+(?:just\s+)?(?:an?\s+)?(?:ai\s+)?(?:large\s+)?(?:language model|ai assistant|ai language model)\b|\bmy\s+(?:training data|knowledge cutoff|guidelines|programming|content policy)\b/,
  /\bi\s*(?:'m sorry|\s+am sorry|\s+apologi[sz]e)\b[^.!?]{0,30}\b(?:but\s+)?i\s*(?:can(?:'t|not)|am unable|'m unable|won't)\b|\bi\s+(?:can(?:'t|not)|am unable to|'m unable to|am not able to|won't|will not)\s+(?:help|assist|comply|fulfil+|provide|generate|create\s+(?:that|this|content)|answer\s+(?:that|this)|engage|continue\s+with|do\s+that|discuss|participate|produce|write\s+(?:that|this))\b|\bi\s+must\s+(?:decline|refuse)\b/,
  /\bhow\s+(?:can|may)\s+i\s+(?:help|assist)\s+you\b|\bsure[,!]?\s+here(?:'s| is| are)\b|\bhere(?:'s| is)\s+(?:a|the|your|my)\s+(?:comment|caption|reply|response|json|text)\b\s*[:.]?|\bcertainly!\s+here\b/,
  /\bals\s+(?:eine?\s+)?(?:ki|sprachmodell)\b|\ben\s+tant\s+qu[e'](?:\s?une?\s+)?(?:ia|modèle|intelligence artificielle|assistant)|\bcomo\s+(?:una?\s+|um\s+)?(?:ia\b|inteligencia artificial|modelo de lenguaje|modelo de linguagem)|как\s+(?:ии|языковая модель|искусственный интеллект)(?!\p{L})|(?:ai|人工知能|言語モデル)として|作为(?:一个)?(?:ai|人工智能|语言模型)|(?:بصفتي|باعتباري|كنموذج)\s+(?:نموذج|ذكاء|لغوي)/u,
];
export const isRefusal = (text: string): boolean => refusals.some((rule) => rule.test(text));
