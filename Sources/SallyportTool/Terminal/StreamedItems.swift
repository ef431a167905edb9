import Basics
import Engine
import Glibc
import IntegrationKit
import JSON
import Redaction
import Synchronization

/// Prints the items of a command as they arrive: rows of a table, or lines of JSON.
final class StreamedItems: InvocationEvents {
  private struct State {
    var redaction = RedactionScope.nothing
    var layout = MessageLayout.foreign
    var cancel: @Sendable () -> Void = {}
    /// Of the first items; the others have the same columns.
    var table: StreamedTable?
    var count = 0
    var isClosed = false
  }

  private let asRows: Bool
  private let state = Mutex(State())
  private let waits = WaitNotice()

  init(asRows: Bool) { self.asRows = asRows }

  /// - Parameter cancel: called when nobody reads the items any more.
  func start(_ invocation: PreparedInvocation, cancel: @escaping @Sendable () -> Void) {
    state.withLock { state in
      state.redaction = invocation.redaction
      // The item of a command over targets is the outcome of one of them.
      state.layout = invocation.command.canPartlySucceed ? Outcome.targetLayout : .foreign
      state.cancel = cancel
    }
  }

  var count: Int { state.withLock { $0.count } }
  /// Whether stdout was closed.
  var isClosed: Bool { state.withLock { $0.isClosed } }
  var areRows: Bool { asRows }

  func items(_ items: [JSON]) async {
    // A terminal or a pipe may block.
    try? await BlockingWork.files.run { self.print(items) }
  }

  func progress(done: Int, total: Int) async {}

  func waiting(reason: String, resumeAtMilliseconds: Int64) async {
    await waits.waiting(reason: reason, resumeAtMilliseconds: resumeAtMilliseconds)
  }

  private func print(_ items: [JSON]) {
    let (text, cancel) = state.withLock { state -> (TerminalText?, @Sendable () -> Void) in
      guard !state.isClosed, !items.isEmpty else { return (nil, {}) }
      state.count += items.count
      let shown = items.map { item in
        let fragment = JSONFragment(item)
        return (state.redaction.search.replacement(json: fragment, state.layout) ?? fragment).json
      }
      guard asRows else {
        let lines = shown.map {
          TerminalText(json: JSONFragment($0).text, isShown: Style.isTerminal)
        }
        return (lines.joined(separator: "\n"), state.cancel)
      }
      return (StreamedTable.lines(of: shown, &state.table).joined(separator: "\n"), state.cancel)
    }
    guard let text, !Console.tryPrint(text) else { return }
    state.withLock { $0.isClosed = true }
    cancel()
  }
}

/// A table whose rows come bit by bit.
struct StreamedTable {
  private let names: [String]
  private let widths: [Int]

  /// The lines of more items, with the titles before the first ones.
  static func lines(of items: [JSON], _ table: inout StreamedTable?) -> [TerminalText] {
    guard items[0].kind == .object else { return items.map { "\(Columns.text($0))" } }
    var lines: [TerminalText] = []
    if table == nil {
      let names = Columns.names(of: items)
      let all = Table(names, rows: items.map { Columns.row($0, names) })
      table = StreamedTable(names: names, widths: all.widths(width: Style.columns))
      lines.append(Style.bold(Table.line(names, table?.widths ?? [])))
    }
    guard let table else { return lines }
    return lines
      + items.map { Table.line(Columns.row($0, table.names), table.widths) }
  }
}
