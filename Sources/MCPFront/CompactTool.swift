import Basics
import IntegrationKit
import JSON
import RPC

/// The tools of the compact catalogue: find, describe and run a command, with three schemas instead
/// of one per command.
enum CompactTool: String, CaseIterable, Sendable {
  case find = "sallyport__find_commands"
  case describe = "sallyport__describe_command"
  case run = "sallyport__run_command"

  private static let maximumQueryBytes = 200

  private var title: String {
    switch self {
    case .find: "Find Commands"
    case .describe: "Describe Command"
    case .run: "Run Command"
    }
  }

  private var description: String {
    switch self {
    case .find:
      "Lists the commands of the connected security vendors whose name, title or description contains "
        + "all words of query. Without query, lists all commands."
    case .describe:
      "Returns the description of a command and the JSON Schema of its arguments."
    case .run:
      "Runs a command of a vendor. Describe it first: some commands change data or cannot be undone."
    }
  }

  func write(for caller: MCPCaller, to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("name", rawValue)
      if caller.revision.hasStructuredContent { writer.member("title", title) }
      writer.member("description", description)
      writer.name("inputSchema")
      writer.object { writer in
        writer.member("type", "object")
        writer.name("properties")
        writer.object { writeProperties(to: &$0) }
        if self != .find {
          writer.name("required")
          writer.array { $0.string("command") }
        }
        writer.member("additionalProperties", false)
      }
      if caller.revision.hasStructuredContent && self == .run {
        writer.name("outputSchema")
        ToolOutput.writeSchema(of: nil, to: &writer)
      }
      guard caller.revision.hasAnnotations else { return }
      ToolAnnotations(
        title: title, isReadOnly: self != .run, isDestructive: self == .run,
        isIdempotent: self != .run
      ).write(to: &writer)
    }
  }

  private func writeProperties(to writer: inout JSONWriter) {
    func text(_ name: StaticString, _ about: String, _ writer: inout JSONWriter) {
      writer.property(name) {
        $0.member("type", "string")
        $0.member("description", about)
      }
    }
    switch self {
    case .find: text("query", "Words to search for, such as: isolate endpoint.", &writer)
    case .describe: text("command", "A name returned by \(Self.find.rawValue).", &writer)
    case .run:
      text("command", "A name returned by \(Self.find.rawValue).", &writer)
      writer.property("arguments") {
        $0.member("type", "object")
        $0.member("description", "The arguments, as described by \(Self.describe.rawValue).")
      }
    }
  }

  /// The text of the result of `find` or `describe`.
  ///
  /// - Throws: a sentence for the model.
  func answer(
    _ arguments: JSON?, from catalogue: ToolCatalogue, for caller: MCPCaller
  ) throws(CompactToolError) -> JSONFragment {
    let tools = catalogue.tools()
    let argument = try argument(arguments)
    guard (argument?.utf8.count ?? 0) <= Self.maximumQueryBytes else {
      throw CompactToolError(
        "\(argumentName) must have at most \(Self.maximumQueryBytes) bytes.")
    }
    guard self == .describe else {
      let words = (argument ?? "").lowercased().split(separator: " ")
      let found = tools.filter { tool in
        let text = "\(tool.name) \(tool.title) \(tool.command.metadata.description)".lowercased()
        return words.allSatisfy { text.contains($0) }
      }
      return JSONFragment { $0.write(found) }
    }
    let name = argument ?? ""
    guard let tool = tools.first(where: { $0.name == name }) else {
      throw CompactToolError.unknownCommand(name, in: catalogue)
    }
    return JSONFragment { tool.write(for: caller, to: &$0) }
  }

  /// The result of `find` or `describe`.
  func result(_ answer: JSONFragment, for caller: MCPCaller) -> JSONFragment {
    JSONFragment { writer in
      writer.result(for: caller) { writer in
        writer.name("content")
        writer.array { $0.textContent(answer.text) }
        if caller.revision.hasStructuredContent { writer.member("structuredContent", answer) }
      }
    }
  }

  private var argumentName: String { self == .find ? "query" : "command" }

  /// The argument of `find` or `describe`; nil if omitted.
  private func argument(_ arguments: JSON?) throws(CompactToolError) -> String? {
    let name = argumentName
    try Self.check(arguments, takes: [name])
    guard let value = arguments?[name], !value.isNull else { return nil }
    guard let text = value.string else { throw CompactToolError("\(name) must be a string.") }
    return text
  }

  private static func check(_ arguments: JSON?, takes names: [String]) throws(CompactToolError) {
    guard let arguments else { return }
    for member in arguments.members where !names.contains(member.name.string ?? "") {
      throw CompactToolError(
        "Unknown argument \"\((member.name.string ?? "").prefix(100))\"; expected one of: "
          + "\(names.joined(separator: ", ")).")
    }
  }

  /// The call that a call of `run` contains.
  ///
  /// - Throws: a sentence for the model.
  static func unwrapped(
    _ call: ToolCall, in catalogue: ToolCatalogue
  ) throws(CompactToolError) -> ToolCall {
    try check(call.arguments, takes: ["command", "arguments"])
    guard let name = call.arguments?["command"]?.string, catalogue.command(name) != nil else {
      throw CompactToolError.unknownCommand(call.arguments?["command"]?.string ?? "", in: catalogue)
    }
    let arguments = call.arguments?["arguments"]
    if let arguments, arguments.kind != .object {
      throw CompactToolError("arguments must be an object.")
    }
    return ToolCall(name: name, arguments: arguments, like: call)
  }
}

extension ToolCatalogue {
  /// A sentence for texts that name commands, if commands are not separate tools; otherwise empty.
  var howToRun: String {
    options.catalogueMode == .compact
      ? "\nRun these commands with \(CompactTool.run.rawValue)." : ""
  }
}

/// Why a compact tool failed, as a sentence.
struct CompactToolError: Error {
  let sentence: String
  init(_ sentence: String) { self.sentence = sentence }

  func result(for caller: MCPCaller) -> JSONFragment {
    JSONFragment { writer in
      writer.result(for: caller) { writer in
        writer.name("content")
        writer.array { $0.textContent(sentence) }
        // The output schema of `run` requires it.
        if caller.revision.hasStructuredContent {
          writer.name("structuredContent")
          writer.object {
            $0.member("return_data", "Failed")
            $0.member("message", sentence)
          }
        }
        writer.member("isError", true)
      }
    }
  }

  static func unknownCommand(_ name: String, in catalogue: ToolCatalogue) -> CompactToolError {
    let suggestion = Suggestion.closest(to: name, among: catalogue.tools().map(\.name))
    return CompactToolError(
      "Unknown command \"\(name.prefix(100))\"."
        + (suggestion.map { " Did you mean \"\($0)\"?" } ?? "")
        + " Use \(CompactTool.find.rawValue) to list the commands.")
  }
}

extension JSONWriter {
  fileprivate mutating func write(_ tools: [Tool]) {
    object { writer in
      writer.name("commands")
      writer.array { writer in
        for tool in tools {
          writer.object {
            $0.member("name", tool.name)
            $0.member("description", "\(tool.command.metadata.description)")
            $0.member("effect", tool.command.effect.rawValue)
          }
        }
      }
    }
  }
}
