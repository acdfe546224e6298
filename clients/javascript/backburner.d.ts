/** A client of a backburner service. */

/** Where a job is, as a 202 says; null is what it does not say. Times are RFC 3339 timestamps. */
export interface JobStatus {
  state: "queued" | "running" | null;
  signature: string | null;
  requested_at: string | null;
  attempts: number | null;
  /** From 0 to 1; null if the computation does not tell. */
  progress: number | null;
  /** Seconds. */
  retry_after: number | null;
  expected_at: string | null;
  gives_up_at: string | null;
}

export interface ClientResponse {
  status: number;
  headers: Headers;
  /** Whether it came by a redirect, as a large result does. */
  redirected: boolean;
  url: string;
  text: string;
  /** The text read as JSON; undefined if it is not JSON. */
  body: unknown;
}

export interface Computed<Result = unknown> {
  result: Result;
  signature: string | null;
  location: string | null;
  etag: string | null;
  isStale: boolean;
  response: ClientResponse;
}

export interface Exchange {
  request: { method: "GET" | "POST"; url: string; body?: string; etag?: string };
  /** null if there was no response; then `error` says why. */
  response: ClientResponse | null;
  error: Error | null;
  milliseconds: number;
}

export interface Observers {
  /** Called after each request. */
  onExchange?: (exchange: Exchange) => void;
  /** Called before each wait. */
  onWait?: (wait: { seconds: number }) => void;
  /** Called with the body of each 202. */
  onProgress?: (status: JobStatus) => void;
}

export interface Settings extends Observers {
  /** The bearer token, or what gives one; only the service itself gets it. */
  token?: string | (() => string | undefined | Promise<string | undefined>);
  fetch?: typeof fetch;
  /** From 0 to 1. */
  random?: () => number;
  /** Must reject with the signal's reason when it aborts. */
  sleep?: (seconds: number, signal?: AbortSignal) => Promise<void>;
  /** Seconds since the epoch. */
  now?: () => number;
  /** How many results are kept, to be asked for by ETag; 32 by default. */
  keep?: number;
  /** Of a response, decompressed; 100,000,000 by default. */
  maxBytes?: number;
}

export interface Options extends Observers {
  /** Seconds for everything, 60 by default. Infinity: until the service gives the job up. */
  deadline?: number;
  signal?: AbortSignal;
}

export class Client {
  /** `baseUrl` may have a path; in a browser "" is the page's own origin. */
  constructor(baseUrl?: string, settings?: Settings);

  /** Ask for a computation, and wait for its answer. */
  compute<Result = unknown>(name: string, parameters: object, options?: Options): Promise<Computed<Result>>;

  /** Wait for the answer at a location that the service has given. */
  follow<Result = unknown>(location: string, options?: Options): Promise<Computed<Result>>;

  /** Yield the answers to many questions in their order, asking at most `atOnce` (8) at a time. */
  map<Result = unknown>(
    name: string,
    many: Iterable<object> | AsyncIterable<object>,
    options?: Options & { atOnce?: number },
  ): AsyncGenerator<Computed<Result>, void, void>;
}

/** The root of this module's errors. A call that is aborted throws the signal's reason instead. */
export class ComputeError extends Error {}

/** The answer is a problem (RFC 9457), or another response of 400 or above. */
export class Problem extends ComputeError {
  status: number;
  type: string;
  title: string;
  detail: string;
  errors: { pointer: string; reason: string }[];
  /** Seconds after which to try again; null if the service does not say. */
  retryAfter: number | null;
  members: Record<string, unknown>;
  response: ClientResponse;
}

/** There was no answer within the deadline. The job goes on: `follow(location)` may find it. */
export class DeadlineExceeded extends ComputeError {
  location: string | null;
  /** As the last 202 said. */
  status: JobStatus | null;
}

/** The service did not respond, several times in a row; `cause` is the last failure. */
export class Unreachable extends ComputeError {}

/** The response is none that a backburner service gives. */
export class Unreadable extends ComputeError {
  response: ClientResponse;
}
