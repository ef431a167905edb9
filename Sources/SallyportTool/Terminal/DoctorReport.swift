import Basics
import Engine
import Glibc

/// The findings of `doctor` for people.
struct DoctorReport {
  private static let checkWidth = 11
  private static let verdictWidth = 12
  /// Of messages: the columns before, and the gaps between.
  private static let indent = 2 + checkWidth + 2 + verdictWidth + 2
  /// The width that messages have at least, however narrow the terminal is.
  private static let minimumWidth = 20

  private let diagnoses: [ConnectionDiagnosis]

  init(_ diagnoses: [ConnectionDiagnosis]) { self.diagnoses = diagnoses }

  func show() {
    for (position, diagnosis) in diagnoses.enumerated() {
      if position > 0 { Console.print("") }
      show(diagnosis)
    }
    let ill = diagnoses.count { !$0.isWell }
    let noun = diagnoses.count == 1 ? "connection" : "connections"
    Console.print(
      ill == 0
        ? "\n\(diagnoses.count) \(noun): all well"
        : "\n\(ill) of \(diagnoses.count) \(noun) not well")
  }

  private func show(_ diagnosis: ConnectionDiagnosis) {
    Console.print("\(Style.bold("\(diagnosis.name)"))  \(diagnosis.integration)")
    for finding in diagnosis.findings {
      show(
        finding.check.rawValue, text(finding.verdict), finding.message,
        isFailure: finding.verdict == .failed)
      if finding.verdict != .skipped, let remedy = finding.remedy { show("", "", remedy) }
    }
    for outlook in ConnectionDiagnosis.Outlook.allCases { show(outlook, of: diagnosis) }
  }

  private func text(_ verdict: ConnectionDiagnosis.Verdict) -> String {
    verdict == .notVerified ? "not verified" : verdict.rawValue
  }

  private func show(_ outlook: ConnectionDiagnosis.Outlook, of diagnosis: ConnectionDiagnosis) {
    let commands = diagnosis.commands.filter { $0.outlook == outlook }
    guard !commands.isEmpty else { return }
    let verdict =
      switch outlook {
      case .willRun: "will run"
      case .lacksPermission: "lacks"
      case .forbidden: "forbidden"
      case .notVerified: "not verified"
      }
    // One block for commands with the same message.
    var messages: [(text: String, ids: [String])] = []
    for command in commands {
      if let known = messages.firstIndex(where: { $0.text == command.message }) {
        messages[known].ids.append(command.id)
      } else {
        messages.append((command.message, [command.id]))
      }
    }
    for (text, ids) in messages {
      show(
        "commands", verdict, ids.joined(separator: ", "), isFailure: outlook == .lacksPermission)
      if !text.isEmpty { show("", "", text) }
    }
  }

  private func show(
    _ check: String, _ verdict: String, _ message: String, isFailure: Bool = false
  ) {
    let lines = Self.lines(of: message)
    let word = verdict.padded(Self.verdictWidth)
    let shown: TerminalText =
      isFailure && Style.isColoured ? .own("\u{1B}[31m\(word)\u{1B}[0m") : .own(word)
    let first: TerminalText =
      "  \(TerminalText.own(check.padded(Self.checkWidth)))  \(shown)  \(lines.first ?? "")"
    Console.print(.own(String(first.text.reversed().drop { $0 == " " }.reversed())))
    let margin = String(repeating: " ", count: Self.indent)
    for line in lines.dropFirst() { Console.print("\(TerminalText.own(margin))\(line)") }
  }

  /// Wrapped at spaces. A word that is longer than a line is broken.
  private static func lines(of message: String) -> [String] {
    let width = max(minimumWidth, Style.columns - indent)
    var lines: [String] = []
    for word in message.visibleOnOneLine.split(separator: " ") {
      if let last = lines.last, last.count + 1 + word.count <= width {
        lines[lines.count - 1] += " \(word)"
        continue
      }
      var rest = word
      while rest.count > width {
        lines.append(String(rest.prefix(width)))
        rest = rest.dropFirst(width)
      }
      lines.append(String(rest))
    }
    return lines
  }
}

/// Shows on a terminal how many connections have been examined.
struct DoctorProgress: Sendable {
  private let total: Int
  private let isShown: Bool

  init(total: Int) {
    self.total = total
    isShown = total > 1 && isatty(STDERR_FILENO) == 1
  }

  func show(_ count: Int) {
    guard isShown else { return }
    FileDescriptor.writeAll(
      Array("\r\u{1B}[K\(count) of \(total) connections checked".utf8), to: STDERR_FILENO)
  }

  func clear() {
    if isShown { FileDescriptor.writeAll(Array("\r\u{1B}[K".utf8), to: STDERR_FILENO) }
  }
}
