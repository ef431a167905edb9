import Delivery
import FileStore
import IntegrationKit
import JSON

/// The result of a command as a program sent it.
struct PluginResult {
  private static let members = [
    "return_data", "raw_data", "targets", "errors", "files", "events", "cursor", "notices", "meta",
    "dry_run", "requests",
  ]

  private let json: JSON
  private let command: PluginCatalogue.Command
  private let plugin: String

  init(_ json: JSON, of command: PluginCatalogue.Command, _ plugin: String) {
    self.json = json
    self.command = command
    self.plugin = plugin
  }

  /// - Throws: for a result of another shape. The command may have been applied then.
  func result(in invocation: Invocation) async throws(CommandError) -> CommandResult {
    do throws(Misshapen) {
      let shaped = try shaped()
      var result = CommandResult(shaped.rawData, notices: shaped.notices)
      result.targets = shaped.targets
      result.events = try mapped(shaped.events, in: invocation)
      result.cursor = shaped.cursor
      result.files = try await files(shaped.files, in: invocation)
      if !result.targets.isEmpty, result.targets.allSatisfy({ !$0.isSuccess }) {
        throw Misshapen(failure: result.targets)
      }
      return result
    } catch {
      if let targets = error.targets, var failure = targets.first?.error {
        failure.targets = targets
        throw failure
      }
      throw Self.fault(error.reason, of: plugin, outcome: invocation.outcomeAfterSending)
    }
  }

  /// The events with the caller's mapping. The program maps them without it.
  private func mapped(
    _ events: [JSONFragment]?, in invocation: Invocation
  ) throws(Misshapen) -> [JSONFragment]? {
    guard let mapping = invocation.options.fieldMapping, let source = command.metadata.events?()
    else { return events }
    var mapped: [JSONFragment] = []
    for event in events ?? [] {
      guard let raw = event.json["raw"] else {
        throw Misshapen("/events: an event has no member raw, which field_mapping needs")
      }
      // Without the caller's paths if these need too much work.
      mapped += source.events(of: raw, mapping) ?? [event]
    }
    return mapped
  }

  /// What is wrong with a result, or that all its targets failed.
  private struct Misshapen: Error {
    var reason: String
    var targets: [TargetOutcome]?

    init(_ reason: String) { self.reason = reason }

    init(failure targets: [TargetOutcome]) {
      reason = ""
      self.targets = targets
    }
  }

  private struct Shaped {
    var rawData = CommandResult.RawData.none
    var targets: [TargetOutcome] = []
    var files: [String] = []
    var events: [JSONFragment]?
    var cursor: String?
    var notices: [String] = []
  }

  private func shaped() throws(Misshapen) -> Shaped {
    guard json.kind == .object else { throw Misshapen("its result is not an object") }
    for member in json.members where !Self.members.contains(where: { member.name.equals($0) }) {
      throw Misshapen(
        "its result has the unknown member \((member.name.string ?? "").prefix(100))")
    }
    guard let outcome = json["return_data"]?.string,
      outcome == "Successful" || outcome == "Partially Successful"
    else {
      throw Misshapen(
        "/return_data: must be Successful or Partially Successful; a failure is an error -32000")
    }
    var shaped = Shaped()
    if let raw = json["raw_data"] { shaped.rawData = .body(raw) }
    for (position, target) in try list("targets").enumerated() {
      shaped.targets.append(try self.target(target, "/targets/\(position)"))
    }
    for (position, file) in try list("files").enumerated() {
      guard let id = file["file_id"]?.string else {
        throw Misshapen("/files/\(position)/file_id: is required")
      }
      shaped.files.append(id)
    }
    if json["events"] != nil { shaped.events = try list("events").map { JSONFragment($0) } }
    if let cursor = json["cursor"], !cursor.isNull {
      guard let text = cursor.string else { throw Misshapen("/cursor: must be a string") }
      shaped.cursor = text
    }
    // The host makes them itself.
    for name in ["errors", "requests"] { _ = try list(name) }
    if let meta = json["meta"], !meta.isNull, meta.kind != .object {
      throw Misshapen("/meta: must be an object")
    }
    for (position, notice) in try list("notices").enumerated() {
      guard let text = notice.string else {
        throw Misshapen("/notices/\(position): must be a string")
      }
      shaped.notices.append(text)
    }
    return shaped
  }

  private func list(_ name: String) throws(Misshapen) -> [JSON] {
    guard let list = json[name], !list.isNull else { return [] }
    guard list.kind == .array else { throw Misshapen("/\(name): must be an array") }
    return Array(list.elements)
  }

  private func target(_ json: JSON, _ path: String) throws(Misshapen) -> TargetOutcome {
    guard let target = json["target"] else { throw Misshapen("\(path)/target: is required") }
    let name = target.string ?? JSONFragment(target).text
    if let error = json["error"], !error.isNull {
      guard error.kind == .object else { throw Misshapen("\(path)/error: must be an object") }
      return TargetOutcome(name, .failure(Self.commandError(error, orElse: "The target failed.")))
    }
    guard json["return_data"]?.equals("Failed") != true else {
      throw Misshapen("\(path)/error: is required for a target that failed")
    }
    return TargetOutcome(name, .success(TargetAnswer(json["data"])))
  }

  /// The files must be in the store of the host, where the program put them.
  private func files(
    _ ids: [String], in invocation: Invocation
  ) async throws(Misshapen) -> [StoredFile] {
    var files: [StoredFile] = []
    for id in ids {
      guard let file = try? await invocation.file(id) else {
        throw Misshapen("/files: the host has no file \(id.prefix(64))")
      }
      files.append(file)
    }
    return files
  }

  // MARK: Errors

  /// A program that breaks the protocol.
  static func fault(
    _ reason: String, of plugin: String, outcome: CommandError.Outcome = .notApplied
  ) -> CommandError {
    CommandError(
      .internal, "The plugin \(plugin) breaks the protocol: \(reason).", outcome: outcome,
      remedy: "Its author can find the fault with sallyport plugin check.")
  }

  /// The error of an error response.
  static func error(
    _ answer: ChildError.Answer, of plugin: String, in invocation: Invocation,
    outcome: CommandError.Outcome
  ) -> CommandError {
    if let data = answer.data, data["return_data"] != nil || data["kind"] != nil {
      var error = commandError(data, orElse: answer.message)
      if data["outcome"]?.string == nil { error.outcome = outcome }
      return error
    }
    switch answer.code {
    case -32800: return .cancelled(outcome: invocation.outcomeAfterSending)
    case -32602: return CommandError(.validation, "\(answer.message)")
    default:
      return fault(
        "it answered with the error \(answer.code), \(answer.message.prefix(500))", of: plugin,
        outcome: invocation.outcomeAfterSending)
    }
  }

  /// Of HTTP. Another one is replaced by that of the kind.
  private static let statusCodes: ClosedRange<Int64> = 100...599

  /// The members of an error object of this protocol.
  private static func commandError(_ json: JSON, orElse message: String) -> CommandError {
    let kind = json["kind"]?.string.flatMap(CommandError.Kind.init(rawValue:)) ?? .upstream
    var error = CommandError(
      kind,
      statusCode: json["status_code"]?.integer.flatMap { statusCodes.contains($0) ? Int($0) : nil },
      json["message"]?.string ?? message, isRetryable: json["retryable"]?.bool ?? false,
      retryAfterMilliseconds: json["retry_after_ms"]?.integer.map { Int(clamping: max(0, $0)) },
      outcome: json["outcome"]?.equals("unknown") == true ? .unknown : .notApplied,
      remedy: json["remedy"]?.string, upstream: json["upstream"].map { JSONFragment($0) })
    error.targets =
      json["targets"]?.elements.compactMap { target in
        guard let name = target["target"] else { return nil }
        let failure = target["error"].map { commandError($0, orElse: message) }
        let text = name.string ?? JSONFragment(name).text
        return TargetOutcome(
          text, failure.map { .failure($0) } ?? .success(TargetAnswer(target["data"])))
      } ?? []
    return error
  }
}
