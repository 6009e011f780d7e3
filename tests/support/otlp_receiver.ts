// What a collector does: takes spans and measurements, as OTLP over HTTP in
// JSON.

/** A value of an attribute, by its type. */
interface AnyValue {
  stringValue?: string;
  intValue?: string | number;
  doubleValue?: number;
  boolValue?: boolean;
}

interface KeyValue {
  key: string;
  value: AnyValue;
}

type Values = Record<string, string | number | boolean | undefined>;

interface DataPoint {
  attributes?: KeyValue[];
  asInt?: string | number;
  asDouble?: number;
  count?: string | number;
  sum?: number;
}

interface Scopes {
  spans?: {
    traceId: string;
    spanId: string;
    parentSpanId?: string;
    name: string;
    kind: number;
    attributes?: KeyValue[];
    status?: { code?: number; message?: string };
  }[];
  metrics?: {
    name: string;
    unit?: string;
    sum?: { dataPoints: DataPoint[] };
    gauge?: { dataPoints: DataPoint[] };
    histogram?: { dataPoints: DataPoint[] };
  }[];
}

interface Export {
  resource?: { attributes?: KeyValue[] };
  scopeSpans?: Scopes[];
  scopeMetrics?: Scopes[];
}

/** Kinds of spans, as OTLP counts them. */
export const KIND = { client: 3, producer: 4, consumer: 5 } as const;

/** The status of a span that failed. */
export const FAILED = 2;

/** A span that was received. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  /** Empty for the first of its trace. */
  parentSpanId: string;
  name: string;
  kind: number;
  /** 0 where nothing was set, 2 for an error. */
  status: number;
  attributes: Values;
  /** `service.name` of the program that sent it. */
  service: string;
}

/** A measurement that was received. */
export interface ReceivedPoint {
  name: string;
  unit: string;
  /** Of a histogram its count. */
  value: number;
  attributes: Values;
  service: string;
}

/** Takes what is sent to it, until it is disposed of. */
export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  readonly points: ReceivedPoint[] = [];
  /** Every request, whatever was in it: path, content type, bytes. */
  readonly requests: { path: string; type: string; bytes: Uint8Array }[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => this.#take(request),
    );
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** The environment of a program that exports to it. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: this.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    };
  }

  /** The points of one metric, of one program. */
  pointsOf(service: string, name: string): ReceivedPoint[] {
    return this.points.filter((point) =>
      point.name === name && point.service === service
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #take(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    const type = request.headers.get("content-type") ?? "";
    const bytes = new Uint8Array(await request.arrayBuffer());
    this.requests.push({ path, type, bytes });
    if (type === "application/json") {
      const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(
        new TextDecoder().decode(bytes),
      );
      for (const exported of resourceSpans) this.#takeSpans(exported);
      for (const exported of resourceMetrics) this.#takePoints(exported);
    }
    return new Response("{}", { headers: { "content-type": type } });
  }

  #takeSpans({ resource, scopeSpans = [] }: Export): void {
    const service = serviceOf(resource);
    for (const span of scopeSpans.flatMap(({ spans = [] }) => spans)) {
      this.spans.push({
        ...span,
        parentSpanId: span.parentSpanId ?? "",
        status: span.status?.code ?? 0,
        attributes: valuesOf(span.attributes),
        service,
      });
    }
  }

  #takePoints({ resource, scopeMetrics = [] }: Export): void {
    const service = serviceOf(resource);
    for (const metric of scopeMetrics.flatMap(({ metrics = [] }) => metrics)) {
      const { name, unit = "", sum, gauge, histogram } = metric;
      for (const point of (sum ?? gauge ?? histogram)?.dataPoints ?? []) {
        const value = Number(point.asInt ?? point.asDouble ?? point.count);
        const attributes = valuesOf(point.attributes);
        this.points.push({ name, unit, value, attributes, service });
      }
    }
  }
}

function serviceOf(resource: Export["resource"]): string {
  return String(valuesOf(resource?.attributes)["service.name"]);
}

function valuesOf(attributes: KeyValue[] = []): Values {
  return Object.fromEntries(attributes.map(({ key, value }) => {
    const { stringValue, intValue, doubleValue, boolValue } = value;
    const int = intValue === undefined ? undefined : Number(intValue);
    return [key, stringValue ?? int ?? doubleValue ?? boolValue];
  }));
}
