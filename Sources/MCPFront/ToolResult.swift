import Basics
import Engine
import FileStore
import IntegrationKit
import JSON
import RPC
import Redaction

/// Writes the outcome of a command as a tool result: structured content for programs, text for models,
/// and links to stored files.
struct ToolResult: Sendable {
  /// Maximum number of links in a result. `files` contains all files.
  private static let maximumLinks = 100

  let caller: MCPCaller
  let command: RegisteredCommand
  let engine: Engine
  let options: MCPOptions

  func response(to request: InFlightRequest, _ outcome: Outcome) async -> Response {
    if let error = outcome.invocationError { return await response(to: request, error) }
    let written = JSONFragment { outcome.writeResult(to: &$0) }
    // Redact before converting to text: secrets that are escaped twice are not found.
    let clean = outcome.redaction.search.replacement(json: written, Outcome.resultLayout)
    var content = Content(structure: clean ?? written)
    if content.structure.bytes.count > options.maximumResultBytes {
      content.structure = await shortened(content.structure)
      content.summarize(content.structure.json, itemsOf: (clean ?? written).json, command)
    } else if let clean {
      content.summarize(clean.json, itemsOf: clean.json, command)
    } else {
      content.summarize(outcome, command)
    }
    let status: ResponseStatus = outcome.status == .partial ? .partial : .successful
    // All of it is redacted above.
    return request.result(status, redaction: .ownText) { write(content, isError: false, to: &$0) }
  }

  func response(to request: InFlightRequest, _ error: InvocationError) async -> Response {
    var content = content(of: error)
    if content.structure.bytes.count > options.maximumResultBytes {
      content.structure = await shortened(content.structure)
      let shown = content.structure.json
      let sentences = error.sentences(
        targets: shown["targets"]?.count ?? 0, notices: shown["notices"]?.list ?? [])
      content.text = sentences
      content.links = Content.files(in: shown)
    }
    return request.result(.failed, redaction: .ownText) { write(content, isError: true, to: &$0) }
  }

  /// The result of a failure with little data.
  func error(_ error: InvocationError) -> JSONFragment {
    JSONFragment { write(content(of: error), isError: true, to: &$0) }
  }

  private func content(of error: InvocationError) -> Content {
    let written = JSONFragment { error.write(to: &$0) }
    let secrets = error.redaction.search
    var content = Content(
      structure: secrets.replacement(json: written, Outcome.errorLayout) ?? written)
    content.text = error.sentences()
    if case .failed(let failure) = error.reason {
      content.links = failure.targets.compactMap(\.answer).flatMap(\.files).map(Content.Link.init)
    }
    return content
  }

  private func shortened(_ result: JSONFragment) async -> JSONFragment {
    let large = LargeResult(
      result.json, of: command, limit: options.maximumResultBytes, engine)
    return await large.shortened()
  }

  // MARK: Writing

  /// The content of a tool result.
  private struct Content {
    /// A link to a stored file.
    struct Link {
      let id: String
      let name: String
      let type: String?
      let size: Int?

      init(_ file: StoredFile) {
        (id, name, type, size) = (file.id, file.name, file.contentType, file.size)
      }

      /// - Parameter reference: a file reference (contract section 5).
      init?(_ reference: JSON) {
        guard let id = reference["file_id"]?.string else { return nil }
        self.id = id
        name = reference["name"]?.string ?? id
        type = reference["content_type"]?.string
        size = reference["size"]?.integer.map { Int($0) }
      }
    }

    var structure: JSONFragment
    /// Text for models. The structure follows it.
    var text = ""
    var links: [Link] = []

    init(structure: JSONFragment) { self.structure = structure }

    /// Such as "List Devices: Successful. 35 items."
    mutating func summarize(_ outcome: Outcome, _ command: RegisteredCommand) {
      switch outcome.content {
      case .recorded(let result): summarize(result, itemsOf: result, command)
      case .failure: break
      case .result(let result):
        let done = result.targets.filter(\.isSuccess).count
        let items = command.metadata.items.flatMap(result.itemCount)
        text = Self.headline(
          command, outcome.returnData, targets: (done, result.targets.count), items: items,
          result.notices)
        links = result.files.map(Link.init)
      }
    }

    /// - Parameter items: the result with all items.
    mutating func summarize(
      _ result: JSON, itemsOf items: JSON, _ command: RegisteredCommand
    ) {
      let targets = items["targets"]?.list ?? []
      let done = targets.filter { $0["return_data"]?.equals("Successful") == true }.count
      let list = items["raw_data"].flatMap { command.metadata.items?.list(in: $0)?.count }
      text = Self.headline(
        command, result["return_data"]?.string ?? "Successful", targets: (done, targets.count),
        items: list, result["notices"]?.list.compactMap(\.string) ?? [])
      links = Self.files(in: result)
    }

    private static func headline(
      _ command: RegisteredCommand, _ returnData: String, targets: (done: Int, all: Int),
      items: Int?, _ notices: [String]
    ) -> String {
      var sentences = ["\(command.metadata.title): \(returnData)."]
      if targets.all > 0 {
        sentences.append("\(targets.done) of \(targets.all) targets.")
      } else if let items {
        sentences.append("\(items) \(items == 1 ? "item" : "items").")
      }
      return (sentences + notices).joined(separator: " ")
    }

    /// In a failure, the targets contain their files.
    static func files(in data: JSON) -> [Link] {
      let references =
        (data["files"]?.list ?? [])
        + (data["targets"]?.list ?? []).flatMap { $0["files"]?.list ?? [] }
      return references.compactMap(Link.init)
    }
  }

  private func write(_ content: Content, isError: Bool, to writer: inout JSONWriter) {
    writer.result(for: caller) { writer in
      writer.name("content")
      writer.array { writer in
        writer.object { writer in
          writer.member("type", "text")
          writer.name("text")
          if isError {
            writer.string(content.text)
          } else {
            writer.string(content.text, followedBy: content.structure)
          }
        }
        guard caller.revision.hasStructuredContent else { return }
        for link in content.links.prefix(Self.maximumLinks) {
          FileResource.writeLink(
            link.id, name: link.name, type: link.type, size: link.size, to: &writer)
        }
      }
      if caller.revision.hasStructuredContent {
        writer.member("structuredContent", content.structure)
      }
      if isError { writer.member("isError", true) }
    }
  }
}

extension InvocationError {
  /// The description for models: the failure, its reason and the remedy.
  ///
  /// Secrets are redacted in the text of vendors.
  ///
  /// - Parameters:
  ///   - targets: the maximum number of targets, failures first; nil for all, in order.
  ///   - notices: additional strings.
  func sentences(targets count: Int? = nil, notices: [JSON] = []) -> String {
    switch reason {
    case .invalid(let problems):
      var lines = ["\(indicator) \(problems.message) (400)"]
      for problem in problems.list {
        let path = problem.path.replacing("/arguments/", with: "")
        lines.append("- \(path): \(problem.message)")
      }
      if let remedy = problems.remedy { lines.append("What to do: \(remedy)") }
      return lines.joined(separator: "\n")
    case .failed(let error):
      let secrets = redaction.search
      var lines = ["\(indicator) \(secrets.redact(error.message)) (\(error.statusCode))"]
      let targets =
        count.map { count in
          (error.targets.filter { !$0.isSuccess } + error.targets.filter(\.isSuccess)).prefix(count)
        } ?? error.targets[...]
      for target in targets {
        // The caller names the targets.
        let message = target.error.map { secrets.redact($0.message) }
        lines.append("- \(target.target): \(message ?? "Successful.")")
      }
      lines += notices.compactMap(\.string).map(secrets.redact)
      if let remedy = error.remedy { lines.append("What to do: \(secrets.redact(remedy))") }
      if error.outcome == .unknown {
        lines.append(
          "The outcome is unknown: the request may have been applied. Check before you retry.")
      }
      if error.isRetryable {
        let wait = error.retryAfterMilliseconds.map { "Retry after \(($0 + 999) / 1_000) s." }
        lines.append(wait ?? "It is retryable.")
      }
      return lines.joined(separator: "\n")
    }
  }
}

extension JSON {
  /// The elements of an array; empty for other values.
  var list: [JSON] { Array(elements) }
}

extension JSONWriter {
  mutating func textContent(_ text: String) {
    object {
      $0.member("type", "text")
      $0.member("text", text)
    }
  }
}
