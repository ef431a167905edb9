import Basics

/// How one command is to be run: the `options` of an invoke.
public struct InvocationOptions: ParameterObject {
  public static let naming = ParameterShape.Naming.verbatim
  public static let shape = ParameterShape(of: InvocationOptions.self)

  public package(set) var stream: Bool
  public package(set) var progress: Bool
  public package(set) var allPages: Bool
  public package(set) var dryRun: Bool
  /// Nil for the usual time of work, with waits for rate limits on top.
  public package(set) var timeoutMilliseconds: Int64?
  public package(set) var idempotencyKey: String?
  public package(set) var fieldMapping: FieldMapping?
  /// The caller's name for the invocation, for audit and logs.
  public package(set) var label: String?
  /// The header of the caller's span (W3C Trace Context). It may be invalid.
  public package(set) var traceparent: String?

  public init(_ options: inout ParamReader) {
    stream = options.optional(
      "stream", .boolean, "Send the items of the result as notifications while they arrive.",
      default: false)
    progress = options.optional(
      "progress", .boolean, "Send invoke/progress notifications even without stream.",
      default: false)
    allPages = options.optional(
      "all_pages", .boolean, "Read on from the page asked for to the last one.", default: false)
    dryRun = options.optional(
      "dry_run", .boolean, "Check, and answer with the requests that would be sent.",
      default: false)
    timeoutMilliseconds = options.optional(
      "timeout_ms", .integer(from: 1, to: 86_400_000),
      """
      Milliseconds for all of it: queueing, sign-in, waits, retries and transfer. When left out, 60 s \
      of work; waiting for rate limits comes on top.
      """)
    idempotencyKey = options.optional(
      "idempotency_key", .text(maximumCharacters: 256),
      "The same key and arguments on one connection are run once; the first result is answered.")
    fieldMapping = options.optional(
      "field_mapping", .object(FieldMapping.self),
      "Of a command that fetches events: how their fields differ from its own mapping.")
    label = options.optional(
      "label", .text(maximumCharacters: 64),
      "The caller's name for the invocation, for the audit file and the log.")
    traceparent = options.optional(
      "traceparent", .blankableText,
      "The caller's span, a header of W3C Trace Context. An invalid one is ignored with a notice.")
  }

  /// All options left out.
  public static let none: InvocationOptions = {
    var reader = ParamReader(decoding: shape, from: nil)
    return InvocationOptions(&reader)
  }()
}
