// Who is signed in, and every question to the service with that person's token.
import { problem } from "./words.js";

const KEPT = "session";
const AWAY = "The service does not answer: is it running, and is there a network?";

// Refused: asking again changes nothing. Away: worth asking again, after `seconds` at the earliest.
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}
export class Away extends Error {
  constructor(message = AWAY, seconds = 0) {
    super(message);
    this.seconds = seconds;
  }
}

export class Session {
  #kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  #timer;
  #busy = false;
  #over = false;

  // `ended` hears a sentence when the token is good no more.
  constructor(ended) {
    this.ended = ended;
    this.#watch();
  }

  get user() {
    return this.#kept?.user;
  }
  get token() {
    return this.#kept?.token;
  }

  async signIn(user, password) {
    const body = new URLSearchParams({ grant_type: "password", username: user, password });
    const response = await answered(fetch("../auth/token", { method: "POST", body }));
    if (response.status === 401) throw new Refused("User or password is wrong.", 401);
    const told = await (await accepted(response)).json();
    this.#kept = { user, token: told.access_token, until: Date.now() + told.expires_in * 1000 };
    sessionStorage.setItem(KEPT, JSON.stringify(this.#kept));
    this.#watch();
  }

  signOut(why = "") {
    clearTimeout(this.#timer);
    this.#over = false;
    this.#kept = null;
    sessionStorage.removeItem(KEPT);
    this.ended(why);
  }

  // The service's answer to a signed-in person.
  async ask(path, options = {}) {
    const token = this.token;
    const headers = { ...options.headers, Authorization: `Bearer ${token}` };
    const response = await answered(fetch(path, { ...options, headers }));
    if (response.status === 401) this.expired(token);
    return accepted(response);
  }

  // The service takes the token no more. What it has let in before goes on.
  expired(token = this.token) {
    if (!token || token !== this.token) return;
    this.#over = this.#busy;
    if (!this.#busy) this.signOut("Your session has ended. Sign in again.");
  }

  // An upload, during which nobody is signed out but by their own hand.
  async during(upload) {
    this.#busy = true;
    try {
      return await upload;
    } finally {
      this.#busy = false;
      if (this.#over) this.expired();
    }
  }

  #watch() {
    clearTimeout(this.#timer);
    if (!this.#kept) return;
    const left = this.#kept.until - Date.now();
    this.#timer = setTimeout(() => (left > 2 ** 31 - 1 ? this.#watch() : this.expired()), Math.min(Math.max(left, 0), 2 ** 31 - 1));
  }
}

async function answered(asked) {
  try {
    return await asked;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Away();
  }
}

export async function accepted(response) {
  if (response.ok) return response;
  throw refusal(response.status, await response.json().catch(() => null), response.headers.get("Retry-After"));
}

export function refusal(status, body, wait) {
  const passing = [408, 429, 502, 503, 504].includes(status);
  return passing ? new Away(problem(body, status), Number(wait) || 0) : new Refused(problem(body, status), status);
}
