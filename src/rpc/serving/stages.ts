/**
 * The stages that a request passes in a server: may it run, when does it run,
 * and its reply. Each hands it to the next.
 *
 * @module
 */
import { intercepted } from "../interceptor.ts";
import type { Procedure } from "../procedure.ts";
import { Admission } from "./admission.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { Job } from "./job.ts";
import { ReplyCache } from "./reply_cache.ts";
import { Replier } from "./replier.ts";
import type { ServeSettings } from "./serve_options.ts";

/** Callbacks of the stages. */
export interface StagesHooks {
  /** A procedure is about to run. */
  onStart: () => void;
  /** A request was answered and acknowledged, or dropped. */
  onSettled: () => void;
}

/** The stages of one server. */
export class Stages {
  readonly admission: Admission;
  readonly dispatcher: Dispatcher;
  readonly replier: Replier;

  /** Ready for requests. */
  constructor(
    queue: string,
    procedure: Procedure,
    settings: ServeSettings,
    { onStart, onSettled }: StagesHooks,
  ) {
    const replyCache = new ReplyCache();
    this.replier = new Replier({ ...settings, replyCache, onSettled });
    this.dispatcher = new Dispatcher(
      intercepted(procedure, settings.interceptors),
      this.replier,
      { ...settings, replyCache, onStart },
    );
    this.admission = new Admission(
      queue,
      settings,
      this.dispatcher,
      this.replier,
    );
  }

  /** Requests that have been delivered and not yet acknowledged. */
  get inFlight(): number {
    return this.admission.size + this.dispatcher.size + this.replier.underWay;
  }

  /** Starts nothing more; returns the jobs that have not started. */
  pause(): Job[] {
    return [...this.admission.pause(), ...this.dispatcher.pause()];
  }

  /** The broker delivers everything again; what runs goes on. */
  connectionLost(): void {
    this.admission.connectionLost();
    this.dispatcher.connectionLost();
    this.replier.pause();
  }
}
