import Basics
import Glibc
import IntegrationKit
import JSON

/// Prints the response to one command for people.
struct Presentation {
  let command: RegisteredCommand
  /// Whether to print JSON.
  let raw: Bool
  /// The items that were printed before; nil for none.
  var items: StreamedItems?
  /// Of messages in tables.
  var headers: MessageHeaders?

  /// - Returns: the exit status.
  func show(_ response: JSON) -> Int32 {
    if let error = response["error"] {
      // A stream of items contains nothing else.
      if raw, items == nil {
        Console.print(json: error.sourceText)
      } else {
        show(error: error)
      }
      return error["code"]?.integer == -32602 ? 2 : 1
    }
    guard let result = response["result"] else { return 1 }
    if let items, result["requests"] == nil, items.count > 0 || result["raw_data"] == nil {
      show(endOf: items, result)
    } else if raw || items?.areRows == false {
      Console.print(json: result.sourceText)
    } else if let requests = result["requests"] {
      for request in requests.elements { show(request: request) }
    } else {
      show(result: result)
    }
    return result["return_data"]?.equals("Partially Successful") == true ? 1 : 0
  }

  /// What follows the items: on a terminal below the rows, otherwise on stderr.
  private func show(endOf items: StreamedItems, _ result: JSON) {
    let print = items.areRows ? Console.print : Console.error
    if items.areRows { print(Style.dim("\(items.count) \(items.count == 1 ? "item" : "items").")) }
    for notice in result["notices"]?.elements.map({ $0 }) ?? [] {
      print("Note: \(notice.string ?? "")")
    }
    if let cursor = result["cursor"]?.string { print("Next: --cursor \(cursor)") }
  }

  // MARK: Results

  private func show(result: JSON) {
    if let events = result["events"] {
      show(items: events.elements.compactMap { $0["fields"] })
    } else if let targets = result["targets"] {
      show(targets: targets, data: result["files"] == nil ? result["raw_data"] : nil)
    } else if let data = result["raw_data"] {
      if let list = command.metadata.items?.list(in: data) {
        show(list: list)
        showPages(data, read: result["meta"]?["pages"]?.integer ?? 1)
      } else if data.kind == .array {
        show(list: data)
      } else {
        show(object: Self.content(data))
      }
    } else {
      Console.print("\(result["return_data"]?.string ?? "")")
    }
    for file in result["files"]?.elements.map({ $0 }) ?? [] { show(file: file) }
    for notice in result["notices"]?.elements.map({ $0 }) ?? [] {
      Console.print("Note: \((notice.string ?? ""))")
    }
    if let cursor = result["cursor"]?.string {
      Console.print(Style.dim("Next: --cursor \(cursor)"))
    }
  }

  /// Prints the bodies of successful targets, and the per-target outcomes unless all returned a
  /// body.
  private func show(targets: JSON, data: JSON?) {
    let bodies = data?.elements.map(Self.content).filter { $0.kind == .object } ?? []
    if !bodies.isEmpty { show(items: bodies) }
    let showsAll = bodies.count == targets.count
    if !showsAll { show(outcomes: targets) { Console.print($0) } }
  }

  private func show(outcomes targets: JSON, print: (TerminalText) -> Void) {
    var table = Table(["target", "outcome", "message"])
    table.rows = targets.elements.map { target in
      let error = target["error"]
      let status = error?["status_code"]?.sourceText
      return [
        target["target"].map(Columns.text) ?? "", target["return_data"].map(Columns.text) ?? "",
        [status, error?["message"].map(Columns.text)].compactMap(\.self).joined(separator: "  "),
      ]
    }
    for line in table.lines(width: Style.columns).text { print(line) }
  }

  private func show(file: JSON) {
    let name = file["name"]?.string ?? ""
    let size = file["size"]?.sourceText ?? ""
    Console.print("File \(name), \(size) bytes: \(file["path"]?.string ?? "")")
  }

  /// The result of a JSON-RPC response; other values are unchanged.
  private static func content(_ body: JSON) -> JSON {
    body["jsonrpc"] == nil ? body : body["result"] ?? body
  }

  private func show(list: JSON) { show(items: Array(list.elements)) }

  private func show(items: [JSON]) {
    guard let first = items.first else {
      Console.print("Nothing found.")
      return
    }
    guard first.kind == .object else {
      for item in items { Console.print("\(Columns.text(item))") }
      return
    }
    let items = items.map((headers ?? MessageHeaders()).adding)
    let names = Columns.names(of: items)
    let table = Table(names, rows: items.map { Columns.row($0, names) })
    let (lines, hidden) = table.lines(width: Style.columns)
    for line in lines { Console.print(line) }
    let more: TerminalText = hidden > 0 ? " --raw shows \(hidden) more columns." : ""
    Console.print(Style.dim("\(items.count) \(items.count == 1 ? "item" : "items").\(more)"))
  }

  private func showPages(_ data: JSON, read: Int64) {
    let list = Self.content(data)
    guard let page = list["page"]?.integer,
      let pages = (list["totalPages"] ?? list["pagesCount"])?.integer, pages > page + read - 1
    else { return }
    Console.print(
      Style.dim("Page \(page) of \(pages). For more, use --page \(page + 1) or --all-pages."))
  }

  private func show(object: JSON) {
    guard object.kind == .object else {
      Console.print(object.isNull ? "Done." : "\(Columns.text(object))")
      return
    }
    let names = object.members.map { ($0.name.string ?? "").visibleOnOneLine }
    let width = names.map(\.count).max() ?? 0
    for (name, member) in zip(names, object.members) {
      Console.print("\(Style.bold("\(name.padded(width))"))  \(Columns.text(member.value))")
    }
  }

  private func show(request: JSON) {
    Console.print(
      "\(Style.bold("\(request["method"]?.string ?? "")")) \(request["url"]?.string ?? "")")
    for header in request["headers"]?.members.map({ $0 }) ?? [] {
      Console.print("  \(header.name.string ?? ""): \(header.value.string ?? "")")
    }
    if let body = request["body"] {
      let text = TerminalText(json: body.sourceText, isShown: Style.isTerminal)
      Console.print("\n  \(text)")
    }
  }

  // MARK: Errors

  private func show(error: JSON) {
    let data = error["data"]
    Console.error(Style.failure("\(error["message"]?.string ?? "Failed.")"))
    if let status = data?["status_code"]?.integer, let message = data?["message"]?.string {
      Console.error("  \(status)  \(message)")
    }
    for problem in data?["problems"]?.elements.map({ $0 }) ?? [] {
      let path = problem["path"]?.string?.split(separator: "/").map(String.init) ?? []
      let location = path.drop { $0 == "arguments" }.joined(separator: "/")
      let start: TerminalText = location.isEmpty ? "  " : "  \(location): "
      let message = problem["message"]?.string ?? ""
      let suggestion = problem["did_you_mean"]?.string.map { "; did you mean \"\($0)\"?" } ?? ""
      Console.error(start + "\(message)\(message.hasSuffix(suggestion) ? "" : suggestion)")
    }
    if let targets = data?["targets"], targets.count > 1 {
      show(outcomes: targets) { Console.error($0) }
    }
    for target in data?["targets"]?.elements.map({ $0 }) ?? [] {
      for file in target["files"]?.elements.map({ $0 }) ?? [] { show(file: file) }
    }
    if let wait = data?["retry_after_ms"]?.integer {
      Console.error("  Retry at \(Style.localTime(WallClock.nowMilliseconds + wait)).")
    }
    if data?["outcome"]?.string == "unknown" {
      Console.error("  The outcome is unknown: the request may have been applied.")
    }
    if let remedy = data?["remedy"]?.string { Console.error("  \(remedy)") }
  }
}
