import Basics
import Delivery

/// The lines of the log about one invocation, at level debug. They contain no argument values.
extension InvocationTrail {
  var logFields: [LogField] {
    [LogField("trace_id", trace.traceID)] + (label.map { [LogField("label", $0)] } ?? [])
  }

  func log(_ attempt: HTTPAttempt) {
    log.debug("HTTP request", fields: fields(of: attempt))
  }

  private func fields(of attempt: HTTPAttempt) -> [LogField] {
    var fields = [LogField("method", attempt.method.rawValue)]
    if let (host, port) = attempt.server { fields.append(LogField("host", "\(host):\(port)")) }
    fields.append(LogField("path", attempt.pathTemplate))
    switch attempt.result {
    case .status(let status): fields.append(LogField("status", status))
    case .error(let kind): fields.append(LogField("error", kind.rawValue))
    }
    fields.append(LogField("ms", Self.milliseconds(attempt.start, attempt.end)))
    fields.append(LogField("attempt", attempt.number))
    if attempt.isPartOfSignIn { fields.append(LogField("sign_in", .flag(true))) }
    return fields + logFields
  }

  func log(_ wait: SendWait) {
    var message = "wait"
    if case .signIn(isShared: false) = wait.reason { message = "sign-in" }
    log.debug(message, fields: fields(of: wait))
  }

  private func fields(of wait: SendWait) -> [LogField] {
    var fields: [LogField] = []
    switch wait.reason {
    case .queue: fields.append(LogField("reason", "queue"))
    case .signIn(isShared: false): break
    case .signIn: fields.append(LogField("reason", "sign_in"))
    case .secret: fields.append(LogField("reason", "secret"))
    case .backOff: fields.append(LogField("reason", "back_off"))
    case .rateLimit(let bucket):
      fields.append(LogField("reason", "rate_limit"))
      fields.append(LogField("bucket", bucket))
    }
    fields.append(LogField("ms", Self.milliseconds(wait.start, wait.end)))
    if wait.isPartOfSignIn { fields.append(LogField("sign_in", .flag(true))) }
    return fields + logFields
  }

  /// A wait until the invocation started.
  func logStart(after milliseconds: Int) {
    log.debug(
      "wait", fields: [LogField("reason", "queue"), LogField("ms", milliseconds)] + logFields)
  }

  private static func milliseconds(_ start: MonotonicTime, _ end: MonotonicTime) -> Int {
    SpentTimes.milliseconds(end.nanoseconds - start.nanoseconds)
  }
}
