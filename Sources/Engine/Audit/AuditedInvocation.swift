import Basics
import Crypto
import IntegrationKit
import JSON
import Synchronization

/// The records of one invocation: before its first request, and after its end.
final class AuditedInvocation: Sendable {
  /// Milliseconds in which libcrypto is opened for the digest of arguments.
  private static let libcryptoMilliseconds = 5_000

  private let file: AuditFile
  private let caller: AuditCaller
  private let invocation: PreparedInvocation
  /// Whether it does not run because it cannot be recorded.
  private let isRefused = Atomic(false)

  init(of invocation: PreparedInvocation, for caller: AuditCaller, in file: AuditFile) {
    self.file = file
    self.caller = caller
    self.invocation = invocation
  }

  /// Whether the record `started` is written. In the required mode it proves that the file can be
  /// written, also for a command that reads.
  private var isAnnounced: Bool {
    invocation.command.effect != .read || file.options.isRequired
  }

  /// Writes `started` before anything is sent.
  ///
  /// - Throws: if the audit file is required and cannot be written.
  func begin(until deadline: Deadline) async throws(CommandError) {
    guard isAnnounced else { return }
    await prepareDigest(until: deadline)
    let record = file.record(.started, of: caller) { writer in
      writeCall(to: &writer)
      if let count = targetCount { writer.member("target_count", count) }
    }
    if file.options.isRequired {
      do throws(CommandError) {
        try await file.require(
          record, isSynced: invocation.command.effect != .read, until: deadline)
      } catch {
        isRefused.store(true, ordering: .relaxed)
        throw error
      }
    } else {
      await file.write(record, until: deadline)
    }
  }

  /// Writes `finished`.
  ///
  /// - Returns: the outcome; with a notice if the file is required, the command ran, and its outcome
  ///   cannot be recorded.
  func end(_ outcome: Outcome, until deadline: Deadline) async -> Outcome {
    await prepareDigest(until: deadline)
    let record = file.record(.finished, of: caller) { writer in
      writeCall(to: &writer)
      outcome.writeAudit(to: &writer)
    }
    guard file.options.isRequired, !isRefused.load(ordering: .relaxed) else {
      await file.write(record, until: deadline)
      return outcome
    }
    // Also for a cancelled task, whose waits end at once.
    let patience = Deadline(inMilliseconds: AuditFile.patienceMilliseconds)
    let isWritten = await Task.detached { [file] in
      await file.write(record, until: patience)
    }.value
    return isWritten ? outcome : outcome.adding(notice: Self.notice)
  }

  private static let notice =
    "The outcome is not recorded in the audit file, which cannot be written."

  private func prepareDigest(until deadline: Deadline) async {
    guard let arguments = invocation.request.arguments,
      file.options.arguments == .hash
        || arguments.withSource({ $0.count }) > AuditArguments.maximumBytes
    else { return }
    // A digest must not open the library on a thread of the task pool.
    _ = try? await Libcrypto.open(
      until: deadline.orEarlier(inMilliseconds: Self.libcryptoMilliseconds))
  }

  private func writeCall(to writer: inout JSONWriter) {
    let request = invocation.request
    let trail = invocation.trail
    writer.member("trace_id", trail.trace.traceID)
    // Joins both records: invocations of one caller may share a trace.
    writer.member("span_id", trail.trace.spanID)
    writer.member(ifPresent: "label", trail.label)
    writer.member("integration", request.integration.id)
    writer.member("command", request.command.id)
    writer.member("effect", request.command.effect.rawValue)
    writer.member(ifPresent: "connection", invocation.connection.connection.name)
    AuditArguments(
      value: request.arguments, shape: request.command.shape, mode: file.options.arguments
    ).write(to: &writer)
  }

  /// The number of targets that the arguments name; nil for a command without a list of targets.
  private var targetCount: Int? {
    let command = invocation.command
    guard let arguments = invocation.request.arguments else { return nil }
    if let name = command.metadata.targetNaming?().parameter, let targets = arguments[name] {
      return Self.count(targets)
    }
    guard command.canPartlySucceed else { return nil }
    return arguments.members.filter { $0.value.kind == .array }.map { Self.count($0.value) }.max()
  }

  private static func count(_ targets: JSON) -> Int {
    guard targets.kind == .array else { return 1 }
    return targets.elements.map { JSONFragment($0).text }.withoutDuplicates().count
  }
}

extension Outcome {
  /// Writes the members of the record `finished`.
  fileprivate func writeAudit(to writer: inout JSONWriter) {
    writer.member("return_data", returnData)
    writeAuditTargets(to: &writer)
    if let error {
      writer.member("kind", error.kind.rawValue)
      writer.member("status_code", error.statusCode)
      writer.member("outcome", error.outcome.rawValue)
    }
    if meta.isReplayed { writer.member("replayed", true) }
    writer.name("meta")
    meta.write(to: &writer)
  }

  private func writeAuditTargets(to writer: inout JSONWriter) {
    let targets: [TargetOutcome]
    switch content {
    case .result(let result): targets = result.targets
    case .failure(let error): targets = error.targets
    // The first record has them.
    case .recorded: return
    }
    guard !targets.isEmpty else { return }
    writer.name("targets")
    writer.array { writer in
      for target in targets {
        writer.object { writer in
          writer.member("target", target.target)
          writer.member("return_data", target.isSuccess ? "Successful" : "Failed")
          guard let error = target.error else { return }
          writer.member("kind", error.kind.rawValue)
          writer.member("status_code", error.statusCode)
          writer.member("outcome", error.outcome.rawValue)
        }
      }
    }
  }
}
