// The parameters behind signatures, where this browser has asked with them: the API does not tell.

const KEY = "backburner:parameters";
const MOST = 30;
const LONGEST = 100_000; // characters

const here = new Map();

/** What needs a token is only kept in this page, never stored. */
export function remember(signature, parameters, isPrivate) {
  here.set(signature, parameters);
  if (isPrivate || JSON.stringify(parameters).length > LONGEST) return;
  const others = stored().filter(([known]) => known !== signature);
  try {
    localStorage.setItem(KEY, JSON.stringify([...others, [signature, parameters]].slice(-MOST)));
  } catch {
    // The storage is full or forbidden: the page itself still knows.
  }
}

/** undefined if they are not known. */
export function parametersOf(signature) {
  return here.get(signature) ?? stored().find(([known]) => known === signature)?.[1];
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}
