import Basics
import Foundation
import JSON
import TestSupport
import Testing

@testable import Redaction

private func redactor(_ secrets: String...) -> Redactor {
  let redactor = Redactor()
  for secret in secrets { redactor.add(secret) }
  return redactor
}

/// Redaction of plain text.
@Suite struct RedactorTests {
  private static let secret = "p\"ä\\ss wörd/+%&<=\n𝄞"

  /// The encoded forms of the secret by other writers, by hand or by Foundation.
  private static let spellings: [(writer: String, text: String)] = {
    let json = #"p\"ä\\ss wörd/+%&<=\n𝄞"#
    let ascii = #"p\"\u00e4\\ss w\u00f6rd/+%&<=\n\ud834\udd1e"#
    let percent = "p%22%C3%A4%5Css%20w%C3%B6rd%2F%2B%25%26%3C%3D%0A%F0%9D%84%9E"
    let form = "p%22%C3%A4%5Css+w%C3%B6rd%2F%2B%25%26%3C%3D%0A%F0%9D%84%9E"
    let base64 = Data(secret.utf8).base64EncodedString()
    return [
      ("as it is", secret), ("JSON", json),
      ("JSON with escaped slashes", json.replacing("/", with: "\\/")),
      ("ASCII JSON", ascii), ("ASCII JSON with escaped slashes", ascii.replacing("/", with: "\\/")),
      (
        "ASCII JSON in upper case",
        #"p\"\u00E4\\ss w\u00F6rd/+%&<=\n\uD834\uDD1E"#
      ),
      ("JSON for HTML", #"p\"ä\\ss wörd/+%\u0026\u003c=\n𝄞"#),
      ("percent", percent), ("percent in lower case", lowercasedEscapes(percent)),
      ("form", form), ("form in lower case", lowercasedEscapes(form)),
      ("path", percent.replacing("%2F", with: "/")),
      ("URI", "p%22%C3%A4%5Css%20w%C3%B6rd/+%25&%3C=%0A%F0%9D%84%9E"),
      ("every byte", secret.utf8.map { String(format: "%%%02X", $0) }.joined()),
      ("base64", base64), ("base64 without padding", base64.replacing("=", with: "")),
      ("base64 for URLs", base64.replacing("+", with: "-").replacing("/", with: "_")),
    ]
  }()

  private static func lowercasedEscapes(_ text: String) -> String {
    text.replacing(/%../) { $0.output.lowercased() }
  }

  @Test(arguments: spellings.indices)
  func `a secret is found in every encoded form`(index: Int) {
    let (writer, spelling) = Self.spellings[index]
    let clean = redactor(Self.secret).redact("before \(spelling) after")
    // The last digits of Base64 may contain bits of the following text. They may stay, because they
    // reveal nothing.
    let rest = writer.hasPrefix("base64") ? "before [redacted]" : "before [redacted] after"
    #expect(clean.hasPrefix(rest), "\(writer): \(clean)")
    #expect(clean.utf8.count <= "before [redacted]=== after".utf8.count, "\(writer): \(clean)")
  }

  @Test(arguments: ["hunter2!", "pass", "0123456789abcdef", "geheim?>"])
  func `a secret is found in Base64 at every alignment`(secret: String) {
    for alphabet in [Base64.Alphabet.standard, .urlSafe] {
      for before in ["", "u", "us", "use", "user:", "user@acme.example:"] {
        for after in ["", "x", "\n\n", ":rest of it"] {
          let plain = Array((before + secret + after).utf8)
          let clean = redactor(secret).redact(Base64.encode(plain, alphabet: alphabet))
          // The rest is the user name and the following text, each with at most the one digit that
          // it shares with the secret.
          let parts = clean.components(separatedBy: "[redacted]")
          #expect(parts.count == 2, "\(before)\(secret)\(after): \(clean)")
          let digitsBefore = (before.utf8.count * 8 + 5) / 6
          let digitsAfter = (after.utf8.count * 8 + 9) / 6
          #expect(parts[0].count <= digitsBefore)
          #expect(parts[parts.count - 1].filter { $0 != "=" }.count <= digitsAfter)
        }
      }
    }
  }

  @Test func `similar text stays`() {
    let secret = "correct horse"
    let redactor = redactor(secret)
    for position in secret.utf8.indices {
      var changed = Array(secret.utf8)
      changed[secret.utf8.distance(from: secret.startIndex, to: position)] ^= 1
      for spelling in [
        String(decoding: changed, as: UTF8.self),
        PercentEncoding.encode(String(decoding: changed, as: UTF8.self)),
      ] {
        let text = "a \(spelling) b"
        #expect(redactor.redact(text) == text)
      }
    }
    for text in ["", "correct hors", "orrect horse", "correct  horse", "Correct Horse", "correct"] {
      #expect(redactor.redact(text) == text)
    }
  }

  @Test(arguments: [
    ("a secret-of-two b", "a [redacted] b"), ("a secret-of-tw b", "a [redacted]-of-tw b"),
    ("secretsecret", "[redacted][redacted]"), ("a of-two-three b", "a [redacted] b"),
    // Overlapping matches leave nothing.
    ("secret-of-two-three", "[redacted]"),
    ("xsecret-of-two-threesecretx", "x[redacted][redacted]x"),
    ("", ""), ("secre", "secre"),
  ])
  func `each of several secrets is redacted completely`(text: String, clean: String) {
    let all = redactor("secret", "secret-of-two", "of-two-three")
    #expect(all.redact(text) == clean)
    #expect(all.redact(Array(text.utf8)) == Array(clean.utf8))
  }

  @Test func `a short secret is not redacted`() {
    #expect(redactor("abc", "").redact("abcabc") == "abcabc")
    #expect(redactor("abcd").redact("abcd") == "[redacted]")
  }

  @Test func `a secret is redacted until every add has been removed`() {
    let redactor = redactor("token-1", "token-1", "token-2")
    redactor.remove("token-1")
    #expect(redactor.redact("token-1") == "[redacted]")
    redactor.remove("token-1")
    redactor.remove("never added")
    #expect(redactor.redact("token-1 token-2") == "token-1 [redacted]")
    redactor.remove("token-2")
    #expect(redactor.redact("token-1 token-2") == "token-1 token-2")
  }
}

/// Redaction of JSON.
@Suite struct RedactorJSONTests {
  private static let secret = #"s3"cret/ä"#

  @Test(arguments: [
    (#"{"a":"xs3\"cret/äy"}"#, #"{"a":"x[redacted]y"}"#),
    (#"{"a":"s3\u0022cret\/\u00e4"}"#, #"{"a":"[redacted]"}"#),
    (#"["\u0073\u0033\u0022cret/ä","s3\"cret"]"#, #"["[redacted]","s3\"cret"]"#),
    (#"{"ks3\"cret/ä":1,"k":2}"#, #"{"k[redacted]":1,"k":2}"#),
    // JSON as text inside JSON.
    (#"{"body":"{\"p\":\"s3\\\"cret/ä\"}"}"#, #"{"body":"{\"p\":\"[redacted]\"}"}"#),
    // A whole number, and digits inside a longer number.
    (
      #"{"n":12345678,"m":[912345678.50,-12345678]}"#,
      #"{"n":"[redacted]","m":["9[redacted].50","-[redacted]"]}"#
    ),
    (#"[1234567,1234567.8,123456789e0]"#, #"[1234567,1234567.8,"[redacted]9e0"]"#),
    // The surroundings stay the same, byte for byte.
    (
      #"{"z":"12345678","b":[1.50,null,true,{},[]],"b":"\u00e9\/","c":18446744073709551617}"#,
      #"{"z":"[redacted]","b":[1.50,null,true,{},[]],"b":"\u00e9\/","c":18446744073709551617}"#
    ),
    (#""12345678""#, #""[redacted]""#), ("12345678", #""[redacted]""#),
  ])
  func `strings, names and numbers lose only the secret`(
    source: String, clean: String
  ) throws {
    let redacted = redactor(Self.secret, "12345678").redact(json: Array(source.utf8))
    #expect(String(decoding: redacted, as: UTF8.self) == clean)
    #expect(throws: Never.self) { try JSON.parse(redacted) }
  }

  @Test(arguments: [
    #"{"a" : "C:\\x", "b":"s3\"a" , "c" : [ 1.50 ]}"#, #"{"a":"s3cret/ä"}"#, "[]", "1234567",
    #""s3\"cret/""#,
  ])
  func `JSON without a secret is unchanged`(source: String) {
    let bytes = Array(source.utf8)
    #expect(redactor(Self.secret, "12345678").redact(json: bytes) == bytes)
    #expect(redactor(Self.secret, "12345678").redact(frame: bytes) == bytes)
  }

  @Test func `the envelope of a message stays intact for any secret`() {
    let words = redactor(
      "jsonrpc", "result", "error", "method", "params", "invoke/item", "-32602", "12345", "message",
      "data", "code")
    for (frame, clean) in [
      (
        #"{"jsonrpc":"2.0","id":"error 12345","result":{"result":"12345"}}"#,
        #"{"jsonrpc":"2.0","id":"error 12345","result":{"[redacted]":"[redacted]"}}"#
      ),
      (
        #"{"jsonrpc":"2.0","id":12345,"error":{"code":-32602,"message":"a result","data":{"code":12345}}}"#,
        #"{"jsonrpc":"2.0","id":12345,"error":{"code":-32602,"message":"a [redacted]","data":{"[redacted]":"[redacted]"}}}"#
      ),
      (
        #"{"jsonrpc":"2.0","method":"invoke/item","params":{"id":12345,"seq":12345,"item":["params"]}}"#,
        #"{"jsonrpc":"2.0","method":"invoke/item","params":{"id":12345,"seq":12345,"item":["[redacted]"]}}"#
      ),
    ] {
      let redacted = words.redact(frame: Array(frame.utf8))
      #expect(String(decoding: redacted, as: UTF8.self) == clean)
    }
  }

  /// For any secret: a reader of the output does not find it, and the output stays valid JSON.
  @Test func `random secrets at random positions are redacted in any encoding`() throws {
    var random = SeededGenerator(seed: 3)
    let pieces = [
      "a", "B", "7", "\"", "\\", "/", " ", "+", "%", "&", "é", "\u{2028}", "\n", "=", "<", "_",
    ]
    for _ in 0..<300 {
      let secret = (0..<random.pick(4...12)).map { _ in random.pick(pieces) }.joined()
      let redactor = redactor(secret)
      func form(_ text: String) -> String {
        PercentEncoding.encode(text).replacing("%20", with: "+")
      }
      for spelling in [
        secret, JSONFragment { $0.string(secret) }.text, PercentEncoding.encode(secret),
        form(secret), Base64.encode(Array("user:\(secret)".utf8)),
      ] {
        let json = JSONFragment { writer in
          writer.object {
            $0.member("a", "<< \(spelling) >>")
            $0.name(text: spelling)
            $0.integer(1)
          }
        }
        let clean = try JSON.parse(redactor.redact(json: json.bytes))
        #expect(clean.count == 2)
        for text in [clean["a"]?.string, clean.members.map(\.name.string).last ?? nil] {
          #expect(text?.contains("[redacted]") == true, "\(secret.debugDescription) as \(spelling)")
          #expect(text?.contains(spelling) == false)
        }
      }
    }
  }
}

@Suite struct SecretPatternsTests {
  /// The same result by brute force.
  private func naive(_ patterns: [[UInt8]], _ text: [UInt8]) -> [UInt8]? {
    var ranges: [Range<Int>] = []
    for start in text.indices {
      let lengths = patterns.filter { text[start...].starts(with: $0) }.map(\.count)
      guard let length = lengths.max() else { continue }
      if let last = ranges.last, start < last.upperBound {
        ranges[ranges.count - 1] = last.lowerBound..<max(last.upperBound, start + length)
      } else {
        ranges.append(start..<(start + length))
      }
    }
    guard !ranges.isEmpty else { return nil }
    var clean: [UInt8] = []
    var at = 0
    for range in ranges {
      clean += text[at..<range.lowerBound] + Array("[redacted]".utf8)
      at = range.upperBound
    }
    return clean + text[at...]
  }

  @Test(arguments: 1...6)
  func `skipping finds the same matches as brute force`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<200 {
      // Few letters, so that patterns overlap and nearly match.
      let letters = Array("abcd".utf8.prefix(random.pick(2...4)))
      let patterns = (0..<random.pick(1...4)).map { _ in
        (0..<random.pick(4...9)).map { _ in random.pick(letters) }
      }
      let text = (0..<random.pick(0...80)).map { _ in random.pick(letters) }
      let found = SecretPatterns(patterns).replacingMatches(in: text)
      #expect(found == naive(patterns, text), "\(patterns) in \(text)")
    }
  }

  @Test func `a pattern longer than the search window is found`() {
    let long = (0..<700).map { UInt8($0 % 251) }
    let patterns = SecretPatterns([long])
    for before in [0, 1, 254, 255, 256, 600] {
      let text = [UInt8](repeating: 0, count: before) + long + [1, 2, 3]
      let clean = [UInt8](repeating: 0, count: before) + Array("[redacted]".utf8) + [1, 2, 3]
      #expect(patterns.replacingMatches(in: text) == clean)
    }
    #expect(patterns.replacingMatches(in: Array(long.dropLast())) == nil)
  }

  @Test func `no patterns match nothing`() {
    #expect(SecretPatterns([]).replacingMatches(in: [1, 2, 3, 4]) == nil)
  }
}
