import Engine
import JSON
import RPC

/// Writes the result of a method: exactly one value.
typealias ResultWriter = (inout JSONWriter) -> Void

/// The result of a method that runs on the reading thread.
enum MethodResult {
  /// With what is called after the response is queued, to send messages that must follow it.
  case written(ResultWriter, afterwards: (() -> Void)?)
  /// The host's own text, in which nothing is redacted.
  case kept(JSONFragment)

  init(afterwards: (() -> Void)? = nil, _ write: @escaping ResultWriter) {
    self = .written(write, afterwards: afterwards)
  }
}

/// The work of a method whose params are valid.
typealias TaskMethod =
  @Sendable () async throws(RPCError) -> @Sendable (inout JSONWriter) -> Void

/// One method. Dispatch, discovery and suggestions use the table `Method.all`.
struct Method: Sendable {
  /// Where a method runs.
  enum Execution: Sendable {
    /// On the reading thread. Validates the params, then returns the result.
    case readingThread(@Sendable (JSONRPCFront, JSON?) throws(RPCError) -> MethodResult)
    /// The same for a change that is recorded in the audit file with its caller.
    case audited(
      @Sendable (JSONRPCFront, JSON?, AuditCaller) throws(RPCError) -> MethodResult)
    /// As a task of the engine.
    case engine
    /// As a task outside the in-flight limit: requests that wait for a rate limit do not delay it.
    case task(@Sendable (JSONRPCFront, JSON?, AuditCaller) throws(RPCError) -> TaskMethod)
    /// As a task outside the in-flight limit, until it is cancelled.
    case follower
    /// On the reading thread, or as a task outside the in-flight limit if something must be written.
    case acknowledgement
    /// On the lane for files, in request order.
    case orderedFiles(FileMethod)
  }

  /// The state that a method changes.
  enum Change: Sendable {
    case nothing, connections, requests, health, limits, files, vendor
    /// Connections, by what the operator has written and not the caller.
    case configuredConnections
  }

  let name: String
  let summary: String
  let execution: Execution
  let changes: Change
  /// Whether the Model Context Protocol has the method, too.
  let isShared: Bool
  /// Which values are redacted in the result. Default: none, because the text is the host's or the
  /// caller's.
  let redaction: @Sendable () -> FrameWriter.Redaction
  let params: @Sendable () -> MessageSchema
  private let resultComponent: String?
  /// The errors of the method, in addition to those of any line.
  let failures: @Sendable () -> [FailureSchemas.Code]
  let examples: @Sendable () -> [MethodExample]

  init(
    _ name: String, _ summary: String, _ execution: Execution, changes: Change = .nothing,
    isShared: Bool = false,
    redaction: @escaping @autoclosure @Sendable () -> FrameWriter.Redaction = .ownText,
    params: @escaping @Sendable () -> MessageSchema, result: String? = nil,
    failures: @escaping @Sendable () -> [FailureSchemas.Code] = { [FailureSchemas.invalidParams] },
    examples: @escaping @autoclosure @Sendable () -> [MethodExample] = []
  ) {
    self.name = name
    self.summary = summary
    self.execution = execution
    self.changes = changes
    self.isShared = isShared
    self.redaction = redaction
    self.params = params
    resultComponent = result
    self.failures = failures
    self.examples = examples
  }

  /// A method without params that runs on the reading thread.
  static func withoutParams(
    _ name: String, _ summary: String, changes: Change = .nothing, isShared: Bool = false,
    redaction: @escaping @autoclosure @Sendable () -> FrameWriter.Redaction = .ownText,
    result: String? = nil,
    examples: @escaping @autoclosure @Sendable () -> [MethodExample] = [],
    _ run: @escaping @Sendable (JSONRPCFront) -> ResultWriter
  ) -> Method {
    Method(
      name, summary,
      .readingThread { (front, params) throws(RPCError) in
        try expectNothing(params)
        return MethodResult(run(front))
      }, changes: changes, isShared: isShared, redaction: redaction(), params: { .closed([]) },
      result: result, examples: examples())
  }

  static func named(_ name: String) -> Method? { all.first { $0.name == name } }

  static let all = catalogue + events + connections + files + host
}

extension Method {
  /// The failure indicator, in the style of the commands.
  var failure: String {
    if case .orderedFiles(let method) = execution { return method.failure }
    return "The request \(name) failed."
  }

  /// The error of a method that the fences forbid; nil if it may run.
  func refusal(by fences: Fences) -> InvocationError? {
    let error =
      (isShared ? nil : fences.refusal(ofHostMethod: name))
      ?? (changes == .connections ? fences.refusal(ofConnectionBy: name) : nil)
    return error.map { InvocationError($0, indicator: failure) }
  }

  /// The schema component of the result.
  var result: String { resultComponent ?? name.componentName + "_result" }

  var paramsComponent: String { name.componentName + "_params" }

  /// The members of the params.
  var members: [MessageSchema.Member] {
    switch params() {
    case .closed(let members): members
    case .parameters(let shape):
      shape.summaries.map { summary in
        let path = "\(paramsComponent)/properties/\(summary.name)"
        return MessageSchema.Member(
          name: summary.name, schema: .reference(path), about: summary.description,
          isRequired: summary.isRequired)
      }
    default: preconditionFailure("the params of \(name) have no names")
    }
  }
}
