/**
 * What contracts need of a schema, whichever library it is of.
 *
 * @module
 */

/**
 * A schema of any library that follows
 * [Standard Schema](https://standardschema.dev): its interface, version 1, as
 * far as it is used here.
 */
export interface Schema<Input = unknown, Output = Input> {
  /** What all libraries have in common. */
  readonly "~standard": StandardProperties<Input, Output>;
}

/** What a schema is asked through. */
export interface StandardProperties<Input, Output> {
  /** Checks a value; the result has its issues, or what it became. */
  readonly validate: (
    value: unknown,
  ) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  /** For the type checker alone. */
  readonly types?: SchemaTypes<Input, Output> | undefined;
}

/** The types that a schema stands for. */
export interface SchemaTypes<Input, Output> {
  /** What it takes. */
  readonly input: Input;
  /** What it makes of that. */
  readonly output: Output;
}

/** What a schema made of a value, or what is wrong with it. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What is wrong with a value. */
export interface SchemaIssue {
  /** For people. */
  readonly message: string;
  /** Keys, or objects that have one, which lead to the place. */
  readonly path?:
    | readonly (PropertyKey | { readonly key: PropertyKey })[]
    | undefined;
}

/** What a schema takes. */
export type SchemaInput<S extends Schema> = NonNullable<
  S["~standard"]["types"]
>["input"];

/** What a schema makes of it. */
export type SchemaOutput<S extends Schema> = NonNullable<
  S["~standard"]["types"]
>["output"];
