/** Rows of keys and orders everybody knows. */
export const rows: readonly string[] = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'qwertzuiop',
  'azertyuiop',
  'qazwsxedcrfvtgbyhnujmikolp',
  '1q2w3e4r5t6y7u8i9o0p',
];

/** Words that most often stand alone in a password, small, without digits. */
export const commonWords: readonly string[] = [
  'password', 'passwort', 'passwd', 'passphrase', 'pass', 'word', 'welcome', 'willkommen', 'letmein', 'letme', 'open',
  'sesame', 'login', 'logon', 'signin', 'admin', 'administrator', 'administrador', 'root', 'toor', 'user', 'guest', 'test',
  'testing', 'tester', 'demo', 'default', 'secret', 'geheim', 'changeme', 'change', 'please', 'temp', 'temporary', 'muster',
  'server', 'system', 'master', 'access', 'account', 'private', 'security', 'secure', 'hello', 'hallo', 'world', 'love',
  'iloveyou', 'you', 'forever', 'baby', 'angel', 'princess', 'sunshine', 'summer', 'winter', 'spring', 'autumn', 'sommer',
  'monday', 'friday', 'january', 'december', 'monkey', 'dragon', 'tiger', 'eagle', 'shadow', 'superman', 'batman', 'spider',
  'pokemon', 'starwars', 'football', 'fussball', 'baseball', 'basketball', 'soccer', 'hockey', 'liverpool', 'chelsea',
  'arsenal', 'barcelona', 'madrid', 'michael', 'jennifer', 'jessica', 'michelle', 'daniel', 'thomas', 'andrew', 'joshua',
  'matthew', 'charlie', 'jordan', 'ashley', 'nicole', 'hunter', 'killer', 'ranger', 'thunder', 'trustno', 'whatever',
  'nothing', 'computer', 'internet', 'google', 'facebook', 'samsung', 'windows', 'linux', 'ubuntu', 'cookie', 'chocolate',
  'banana', 'orange', 'purple', 'flower', 'butterfly', 'freedom', 'mustang', 'corvette', 'ferrari', 'porsche', 'mercedes',
  'qwerty', 'qwertz', 'azerty', 'asdf', 'zxcv', 'abc', 'xyz', 'correct', 'horse', 'battery', 'staple', 'company', 'office',
  'work', 'home', 'house', 'family', 'money', 'lucky', 'happy', 'super', 'magic', 'star', 'god', 'jesus', 'christ', 'the',
  'my', 'is', 'this', 'for', 'and', 'in', 'me', 'new', 'old', 'one', 'two', 'man', 'boy', 'girl', 'mein', 'ist', 'das',
];
