import Basics
import Foundation
import JSON
import TestSupport
import Testing

@testable import Redaction

private func scrubber(_ secrets: String...) -> Redactor {
  let scrubber = Redactor()
  for secret in secrets { scrubber.add(secret) }
  return scrubber
}

/// Plain text in, plain text out.
@Suite struct RedactorTests {
  private static let secret = "p\"ä\\ss wörd/+%&<=\n𝄞"

  /// Every way to write the secret that somebody else's writer has, by hand or by Foundation.
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
  func `a secret is found in every spelling`(index: Int) {
    let (writer, spelling) = Self.spellings[index]
    let clean = scrubber(Self.secret).redact("before \(spelling) after")
    // The last digits of base64 may hold bits of what follows, so they may stay; they say nothing.
    let rest = writer.hasPrefix("base64") ? "before [redacted]" : "before [redacted] after"
    #expect(clean.hasPrefix(rest), "\(writer): \(clean)")
    #expect(clean.utf8.count <= "before [redacted]=== after".utf8.count, "\(writer): \(clean)")
  }

  @Test(arguments: ["hunter2!", "pass", "0123456789abcdef", "geheim?>"])
  func `a secret is found in base64 at every place of a group of three bytes`(secret: String) {
    for alphabet in [Base64.Alphabet.standard, .urlSafe] {
      for before in ["", "u", "us", "use", "user:", "user@acme.example:"] {
        for after in ["", "x", "\n\n", ":rest of it"] {
          let plain = Array((before + secret + after).utf8)
          let clean = scrubber(secret).redact(Base64.encode(plain, alphabet: alphabet))
          // What is left is the user's name and what follows, each with the digit at most that it
          // shares with the secret.
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

  @Test func `a near miss stays`() {
    let secret = "correct horse"
    let scrubber = scrubber(secret)
    for position in secret.utf8.indices {
      var changed = Array(secret.utf8)
      changed[secret.utf8.distance(from: secret.startIndex, to: position)] ^= 1
      for spelling in [
        String(decoding: changed, as: UTF8.self),
        PercentEncoding.encode(String(decoding: changed, as: UTF8.self)),
      ] {
        let text = "a \(spelling) b"
        #expect(scrubber.redact(text) == text)
      }
    }
    for text in ["", "correct hors", "orrect horse", "correct  horse", "Correct Horse", "correct"] {
      #expect(scrubber.redact(text) == text)
    }
  }

  @Test(arguments: [
    ("a secret-of-two b", "a [redacted] b"), ("a secret-of-tw b", "a [redacted]-of-tw b"),
    ("secretsecret", "[redacted][redacted]"), ("a of-two-three b", "a [redacted] b"),
    // Of overlapping ones nothing is left.
    ("secret-of-two-three", "[redacted]"),
    ("xsecret-of-two-threesecretx", "x[redacted][redacted]x"),
    ("", ""), ("secre", "secre"),
  ])
  func `of several secrets each is replaced whole`(text: String, clean: String) {
    let all = scrubber("secret", "secret-of-two", "of-two-three")
    #expect(all.redact(text) == clean)
    #expect(all.redact(Array(text.utf8)) == Array(clean.utf8))
  }

  @Test func `a short secret is not looked for`() {
    #expect(scrubber("abc", "").redact("abcabc") == "abcabc")
    #expect(scrubber("abcd").redact("abcd") == "[redacted]")
  }

  @Test func `a secret is kept out as long as somebody holds it`() {
    let scrubber = scrubber("token-1", "token-1", "token-2")
    scrubber.remove("token-1")
    #expect(scrubber.redact("token-1") == "[redacted]")
    scrubber.remove("token-1")
    scrubber.remove("never added")
    #expect(scrubber.redact("token-1 token-2") == "token-1 [redacted]")
    scrubber.remove("token-2")
    #expect(scrubber.redact("token-1 token-2") == "token-1 token-2")
  }
}

/// Secrets in JSON.
@Suite struct RedactorJSONTests {
  private static let secret = #"s3"cret/ä"#

  @Test(arguments: [
    (#"{"a":"xs3\"cret/äy"}"#, #"{"a":"x[redacted]y"}"#),
    (#"{"a":"s3\u0022cret\/\u00e4"}"#, #"{"a":"[redacted]"}"#),
    (#"["\u0073\u0033\u0022cret/ä","s3\"cret"]"#, #"["[redacted]","s3\"cret"]"#),
    (#"{"ks3\"cret/ä":1,"k":2}"#, #"{"k[redacted]":1,"k":2}"#),
    // JSON as text inside JSON.
    (#"{"body":"{\"p\":\"s3\\\"cret/ä\"}"}"#, #"{"body":"{\"p\":\"[redacted]\"}"}"#),
    // A number as a whole, and in the middle of a longer one.
    (
      #"{"n":12345678,"m":[912345678.50,-12345678]}"#,
      #"{"n":"[redacted]","m":["9[redacted].50","-[redacted]"]}"#
    ),
    (#"[1234567,1234567.8,123456789e0]"#, #"[1234567,1234567.8,"[redacted]9e0"]"#),
    // What stands around it is the same byte for byte.
    (
      #"{"z":"12345678","b":[1.50,null,true,{},[]],"b":"\u00e9\/","c":18446744073709551617}"#,
      #"{"z":"[redacted]","b":[1.50,null,true,{},[]],"b":"\u00e9\/","c":18446744073709551617}"#
    ),
    (#""12345678""#, #""[redacted]""#), ("12345678", #""[redacted]""#),
  ])
  func `strings, names and numbers lose the secret and nothing else`(
    source: String, clean: String
  ) throws {
    let scrubbed = scrubber(Self.secret, "12345678").redact(json: Array(source.utf8))
    #expect(String(decoding: scrubbed, as: UTF8.self) == clean)
    #expect(throws: Never.self) { try JSON.parse(scrubbed) }
  }

  @Test(arguments: [
    #"{"a" : "C:\\x", "b":"s3\"a" , "c" : [ 1.50 ]}"#, #"{"a":"s3cret/ä"}"#, "[]", "1234567",
    #""s3\"cret/""#,
  ])
  func `what holds no secret is untouched`(source: String) {
    let bytes = Array(source.utf8)
    #expect(scrubber(Self.secret, "12345678").redact(json: bytes) == bytes)
    #expect(scrubber(Self.secret, "12345678").redact(frame: bytes) == bytes)
  }

  @Test func `the envelope of a message stays whole, whatever the secrets are`() {
    let words = scrubber(
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
      let scrubbed = words.redact(frame: Array(frame.utf8))
      #expect(String(decoding: scrubbed, as: UTF8.self) == clean)
    }
  }

  /// Whatever a secret is made of: no reader of the answer finds it, and the answer stays JSON.
  @Test func `random secrets in random places are gone after any encoding`() throws {
    var random = SeededGenerator(seed: 3)
    let pieces = [
      "a", "B", "7", "\"", "\\", "/", " ", "+", "%", "&", "é", "\u{2028}", "\n", "=", "<", "_",
    ]
    for _ in 0..<300 {
      let secret = (0..<random.pick(4...12)).map { _ in random.pick(pieces) }.joined()
      let scrubber = scrubber(secret)
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
        let clean = try JSON.parse(scrubber.redact(json: json.bytes))
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
  /// The same found by looking everywhere for everything.
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
  func `skipping finds what looking everywhere finds`(seed: UInt64) {
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

  @Test func `a pattern longer than the search's window is found`() {
    let long = (0..<700).map { UInt8($0 % 251) }
    let patterns = SecretPatterns([long])
    for before in [0, 1, 254, 255, 256, 600] {
      let text = [UInt8](repeating: 0, count: before) + long + [1, 2, 3]
      let clean = [UInt8](repeating: 0, count: before) + Array("[redacted]".utf8) + [1, 2, 3]
      #expect(patterns.replacingMatches(in: text) == clean)
    }
    #expect(patterns.replacingMatches(in: Array(long.dropLast())) == nil)
  }

  @Test func `no patterns find nothing`() {
    #expect(SecretPatterns([]).replacingMatches(in: [1, 2, 3, 4]) == nil)
  }
}
