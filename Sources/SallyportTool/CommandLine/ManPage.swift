import Basics

/// The manual page, as troff source with the macros of man(7).
struct ManPage {
  private var lines: [String] = []

  /// Printed once, although several subcommands have them.
  private static let shared = CommonOptions.list

  init() {
    lines.append(
      #".TH SALLYPORT 1 "" "\#(Product.name) \#(Product.version)" "User Commands""#)
    section("NAME")
    text("\(Product.name) - run commands of security vendors for other programs")
    section("SYNOPSIS")
    lines += [".B \(Product.name)", ".I COMMAND", ".RI [ OPTIONS ]"]
    section("DESCRIPTION")
    text(
      "Runs commands of security vendors for any program that can start a process. It reads "
        + "JSON-RPC requests on stdin and writes responses on stdout, one per line.")
    section("COMMANDS")
    for subcommand in Subcommands.all { add(subcommand) }
    section("COMMON OPTIONS")
    text("Of all commands that run a host.")
    for option in Self.shared { add(option) }
    section("ENVIRONMENT")
    for (name, meaning) in Self.variables { tagged(".B \(Self.escaped(name))", meaning) }
    section("SEE ALSO")
    text("protocol/README.md describes the requests and responses.")
  }

  var source: String { lines.joined(separator: "\n") }

  private static let variables = [
    ("SALLYPORT_CONNECTIONS", "the connections file, unless --connections is given"),
    ("SALLYPORT_PLUGINS", "directories of plugins, separated by colons, unless --plugins is given"),
    ("XDG_STATE_HOME", "where rate limits are shared between processes without --state-dir"),
    ("NO_COLOR", "no colors and styles on a terminal"),
  ]

  private mutating func section(_ title: String) { lines.append(".SH \(title)") }

  private mutating func add(_ subcommand: Subcommand) {
    lines.append(
      #".SS "\#(Self.quoted("\(Product.name) \(subcommand.name) \(subcommand.usage)"))""#)
    text(subcommand.summary.prefix(1).uppercased() + subcommand.summary.dropFirst() + ".")
    paragraphs(subcommand.details().text)
    let shared = Set(Self.shared.map(\.name))
    let own = subcommand.options.filter { !shared.contains($0.name) }
    for option in own { add(option) }
    if own.count < subcommand.options.count {
      lines.append(".PP")
      text(
        "Takes \(own.count + shared.count == subcommand.options.count ? "the" : "some of the") common options, too."
      )
    }
    guard !subcommand.examples.isEmpty else { return }
    lines += [".PP", "Examples:"]
    block(subcommand.examples.joined(separator: "\n"))
  }

  private mutating func add(_ option: Option) {
    var tag = #"\fB\#(Self.escaped(option.name))\fR"#
    if let value = option.value { tag += #" \fI\#(Self.escaped(value))\fR"# }
    tagged(tag, option.summary)
  }

  private mutating func tagged(_ tag: String, _ meaning: String) {
    lines += [".TP", tag]
    text(meaning)
  }

  /// Paragraphs are filled; indented lines stay as they are.
  private mutating func paragraphs(_ details: String) {
    for paragraph in details.split(separator: "\n\n", omittingEmptySubsequences: true) {
      let parts = paragraph.split(separator: "\n")
      var indented: [Substring] = []
      lines.append(".PP")
      for part in parts {
        if part.hasPrefix(" ") {
          indented.append(part)
        } else {
          text(String(part))
        }
      }
      if !indented.isEmpty { block(indented.joined(separator: "\n")) }
    }
  }

  private mutating func block(_ text: String) {
    lines += [".RS", ".nf"]
    lines += text.split(separator: "\n").map { Self.line(String($0)) }
    lines += [".fi", ".RE"]
  }

  private mutating func text(_ text: String) { lines.append(Self.line(text)) }

  /// A line of text: one that begins like a request is none.
  private static func line(_ text: String) -> String {
    let escaped = escaped(withoutStyles(text))
    return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? #"\&"# + escaped : escaped
  }

  /// In the argument of a macro.
  private static func quoted(_ text: String) -> String {
    escaped(text).split(separator: "\"", omittingEmptySubsequences: false).joined(
      separator: #"\(dq"#)
  }

  private static func withoutStyles(_ text: String) -> String {
    var shown = ""
    var isInStyle = false
    for character in text.unicodeScalars {
      if character == "\u{1B}" { isInStyle = true }
      if !isInStyle { shown.unicodeScalars.append(character) }
      if isInStyle, character == "m" { isInStyle = false }
    }
    return shown
  }

  /// Without characters that troff takes for its own. Independent of the encoding.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += #"\e"#
      case "-": escaped += #"\-"#
      case "'": escaped += #"\(aq"#
      case "`": escaped += #"\(ga"#
      case "^": escaped += #"\(ha"#
      case "~": escaped += #"\(ti"#
      case _ where scalar.isASCII: escaped.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        escaped += #"\[u"# + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "]"
      }
    }
    return escaped
  }
}
