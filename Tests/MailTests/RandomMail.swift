import Basics
import Mail
import Synchronization
import TestSupport
import Testing

/// Tokens in a fixed order.
final class Tokens: Sendable {
  private let left: Mutex<[String]>

  init(_ tokens: [String]) { left = Mutex(tokens.reversed()) }

  func next() -> String { left.withLock { $0.popLast() } ?? "none" }
}

/// Random mails with content that is hard to write.
enum RandomMail {
  static func make(_ random: inout SeededGenerator) -> MailBuilder {
    var mail = MailBuilder(from: address(&random), subject: text(&random, upTo: 120))
    mail.to = addresses(&random, atLeast: 1)
    mail.cc = addresses(&random, atLeast: 0)
    mail.bcc = addresses(&random, atLeast: 0)
    mail.date = MailDate(
      Timestamp(millisecondsSince1970: Int64(random.pick(0...2_000_000_000)) * 1_000),
      offsetMinutes: random.pick(-840...840))
    mail.text = lines(&random)
    if random.pick(0...1) == 0 { mail.html = "<p>" + lines(&random) }
    mail.attachments = (0..<random.pick(0...3)).map { _ in
      MailAttachment(
        fileName: "x" + text(&random, upTo: 90) + ".y",
        bytes: (0..<random.pick(0...400)).map { _ in UInt8(random.pick(0...255)) })
    }
    return mail
  }

  private static func addresses(_ random: inout SeededGenerator, atLeast: Int) -> [MailAddress] {
    (0..<random.pick(atLeast...6)).map { _ in address(&random) }
  }

  private static func address(_ random: inout SeededGenerator) -> MailAddress {
    let local = random.pick(["a", "jane.doe", "\"with space\"", String(repeating: "x", count: 60)])
    let domain = random.pick(["example.org", String(repeating: "long-label.", count: 15) + "org"])
    let name = text(&random, upTo: 90)
    return MailAddress(
      name: name.isEmpty || random.pick(0...3) == 0 ? nil : name, local + "@" + domain)
  }

  private static let pieces = [
    "a", "Hello", " ", "  ", ",", ";", "\"", "\\", "=", "?", "=?", "?=", "=?utf-8?q?a?=", "_", "<",
    ">",
    "(", ")", ":", "'", "%41", "*", ".", "@", "ä", "é", "е\u{301}", "日本語", "👩‍👩‍👧‍👦", "🇩🇪", "\t",
    "averyveryverylongwordwithoutanyspace", "From ", "\u{A0}", "\u{7F}", "\u{1}", "ﬃ",
  ]

  /// Without surrounding white space, which headers do not preserve.
  private static func text(_ random: inout SeededGenerator, upTo maximum: Int) -> String {
    var text = ""
    for _ in 0..<random.pick(0...maximum / 4) { text += random.pick(pieces) }
    while let last = text.unicodeScalars.last, [" ", "\t"].contains(last) {
      text.unicodeScalars.removeLast()
    }
    while let first = text.unicodeScalars.first, [" ", "\t"].contains(first) {
      text.unicodeScalars.removeFirst()
    }
    return text
  }

  private static func lines(_ random: inout SeededGenerator) -> String {
    var text = "."
    for _ in 0..<random.pick(0...60) {
      text += random.pick(
        pieces + ["\n", "\r\n", ".", " \n", "\n.", "\nFrom me", "=\n", "\0", "\r"])
    }
    return text + "."
  }

  static func withCRLF(_ text: String) -> String {
    var scalars = String.UnicodeScalarView()
    var previous: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
      if scalar == "\r" || scalar == "\n" {
        if !(scalar == "\n" && previous == "\r") {
          scalars.append(contentsOf: "\r\n".unicodeScalars)
        }
      } else {
        scalars.append(scalar)
      }
      previous = scalar
    }
    return String(scalars)
  }

  /// Checks that all line ends are CRLF, and that lines have at most 76 columns if they can be
  /// folded and never more than 998.
  static func checkLines(_ bytes: [UInt8]) {
    var isHeader = true
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .dropLast()
    {
      #expect(line.last == UInt8(ascii: "\r"))
      let content = line.dropLast()
      #expect(!content.contains(UInt8(ascii: "\r")) && !content.contains(0))
      if content.isEmpty { isHeader = false }
      let hasAddress = isHeader && content.contains(UInt8(ascii: "@"))
      #expect(
        content.count <= (hasAddress ? 300 : 76), "\(String(decoding: content, as: UTF8.self))")
    }
  }
}
