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
      ("base64 of JSON", Data(json.utf8).base64EncodedString()),
      ("base64 of ASCII JSON", Data(ascii.utf8).base64EncodedString()),
      ("percent twice", percent.replacing("%", with: "%25")),
      ("percent twice in lower case", lowercasedEscapes(percent).replacing("%", with: "%25")),
      ("form twice", form.replacing("%", with: "%25")),
      ("HTML of Go", "p&#34;ä\\ss wörd/+%&amp;&lt;=\n𝄞"),
      ("HTML of PHP", "p&quot;ä\\ss wörd/+%&amp;&lt;=\n𝄞"),
      ("HTML in ASCII", "p&quot;&#228;\\ss w&#246;rd/+%&amp;&lt;=\n&#119070;"),
      ("HTML in ASCII, hexadecimal", "p&quot;&#xe4;\\ss w&#xf6;rd/+%&amp;&lt;=\n&#x1d11e;"),
      ("hexadecimal", secret.utf8.map { String(format: "%02x", $0) }.joined()),
      ("hexadecimal in upper case", secret.utf8.map { String(format: "%02X", $0) }.joined()),
    ]
  }()

  private static func lowercasedEscapes(_ text: String) -> String {
    text.replacing(/%../) { $0.output.lowercased() }
  }

  @Test(arguments: [("", 12), ("\"", 13), ("&amp;", 17)])
  func `a secret is found where a large message is divided`(filler: String, width: Int) {
    let secret = "s3cret-with-24-characters"
    let redactor = redactor(secret)
    for count in (65_536 / width - 6)...(65_536 / width + 6) {
      let message = JSONFragment { writer in
        writer.array { writer in
          for _ in 0..<count { writer.string("ten bytes" + filler) }
          writer.string("before \(secret) after")
          for _ in 0..<count { writer.string("ten bytes") }
        }
      }
      let clean = String(decoding: redactor.redact(json: message.bytes), as: UTF8.self)
      #expect(clean.contains("before [redacted] after") && !clean.contains(secret))
    }
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

  @Test(arguments: ["\n", "\r\n"], [64, 76])
  func `a secret is found in Base64 with line ends`(end: String, width: Int) {
    let secret = "correct horse battery staple, and much more than fits on one line of Base64"
    for before in 0..<80 {
      let text = String(repeating: "x", count: before) + ":" + secret + ":"
      let plain = Data((text + String(repeating: "y", count: 90)).utf8)
      let encoded = Array(plain.base64EncodedString())
      let lines = stride(from: 0, to: encoded.count, by: width).map {
        String(encoded[$0..<min($0 + width, encoded.count)])
      }
      let clean = redactor(secret).redact(lines.joined(separator: end))
      let whole = clean.replacing(end, with: "")
      #expect(whole.contains("[redacted]"), "\(before): \(clean)")
      let rest = whole.components(separatedBy: "[redacted]").joined()
      #expect(rest.count <= encoded.count - secret.utf8.count * 8 / 6 + 2, "\(before): \(clean)")
    }
  }

  @Test func `lines that are joined keep their other text`() {
    let line = String(repeating: "a", count: 40)
    #expect(redactor("hunter22").redact("\(line)\nhunt\ner22\n\n") == "\(line)\nhunt\ner22\n\n")
    #expect(
      redactor("hunter22").redact("\(line)hunt\r\ner22 \(line)\nx")
        == "\(line)[redacted] \(line)\nx")
  }

  @Test func `canonically equivalent secrets are different secrets`() {
    let redactor = redactor("caf\u{E9}-secret", "cafe\u{301}-secret")
    #expect(redactor.redact("caf\u{E9}-secret") == "[redacted]")
    #expect(redactor.redact("cafe\u{301}-secret") == "[redacted]")
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

/// Sets of secrets in a larger set.
@Suite struct RedactorScopeTests {
  @Test func `a set finds its own secrets, its parent finds all`() {
    let all = redactor("of-the-process")
    let (first, second) = (Redactor(in: all), Redactor(in: all))
    first.add("of-the-first")
    second.add("of-the-second")
    let text = "of-the-process of-the-first of-the-second"
    #expect(first.redact(text) == "of-the-process [redacted] of-the-second")
    #expect(second.redact(text) == "of-the-process of-the-first [redacted]")
    #expect(all.redact(text) == "[redacted] [redacted] [redacted]")
    first.remove("of-the-first")
    #expect(all.redact(text) == "[redacted] of-the-first [redacted]")
  }

  @Test func `the secrets of a set are released with it`() {
    let all = redactor("shared-secret")
    var connection: Redactor? = Redactor(in: all)
    connection?.add("shared-secret")
    connection?.add("own-secret")
    connection?.add("own-secret")
    #expect(all.redact("own-secret") == "[redacted]")
    connection = nil
    #expect(all.redact("own-secret shared-secret") == "own-secret [redacted]")
  }

  @Test func `a scope has the secrets of the connection and of the request`() {
    let all = Redactor()
    let (connection, request) = (Redactor(in: all), Redactor(in: all))
    connection.add("of-the-connection")
    request.add("of-the-request")
    all.add("of-others")
    let scope = RedactionScope(connection, request)
    #expect(
      scope.search.redact("of-the-connection of-the-request of-others")
        == "[redacted] [redacted] of-others")
    #expect(RedactionScope.nothing.search.redact("of-others") == "of-others")
  }

  /// Secrets that come and go between searches, against a set that is made anew.
  @Test func `any order of adding, removing and searching finds the same`() {
    var random = SeededGenerator(seed: 12)
    let all = Redactor()
    var known: [String] = []
    for step in 0..<2_000 {
      if known.isEmpty || random.pick(0...2) > 0 {
        let secret = "secret-\(random.pick(0...400))-"
        all.add(secret)
        known.append(secret)
      } else {
        let secret = known.remove(at: random.pick(0...known.count - 1))
        all.remove(secret)
      }
      guard step % 7 == 0 else { continue }
      let live = Set(known)
      for number in [step % 400, (step * 31) % 400] {
        let text = "secret-\(number)-"
        // A large set forgets a removed secret later.
        if live.contains(text) { #expect(all.redact(text) == "[redacted]") }
      }
    }
    for secret in known { all.remove(secret) }
    #expect(all.redact("secret-1- secret-2-") == "secret-1- secret-2-")
  }

  @Test func `ten thousand secrets are found, and forgotten`() {
    let all = Redactor()
    for number in 0..<10_000 {
      all.add("correct horse \(number) battery")
      // As if each of them was logged.
      if number % 100 == 0 { #expect(all.redact("horse \(number) battery") != "") }
    }
    for number in [0, 1, 4_999, 9_999] {
      #expect(all.redact("a correct horse \(number) battery b") == "a [redacted] b")
    }
    #expect(all.redact("correct horse 10000 battery") == "correct horse 10000 battery")
    for number in 0..<10_000 { all.remove("correct horse \(number) battery") }
    #expect(all.redact("correct horse 9999 battery") == "correct horse 9999 battery")
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
    #expect(redactor(Self.secret, "12345678").redact(json: bytes, Self.envelope) == bytes)
  }

  /// The layout of a message, as the room of frames has it.
  private static let envelope = MessageLayout.object([
    "jsonrpc": .own, "id": .own, "method": .own, "result": .foreign,
    "params": .object(["id": .own, "seq": .own]),
    "error": .object(["code": .own, "message": .own]),
  ])

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
        #"{"jsonrpc":"2.0","id":12345,"error":{"code":-32602,"message":"a result","[redacted]":{"[redacted]":"[redacted]"}}}"#
      ),
      (
        #"{"jsonrpc":"2.0","method":"invoke/item","params":{"id":12345,"seq":12345,"item":["params"]}}"#,
        #"{"jsonrpc":"2.0","method":"invoke/item","params":{"id":12345,"seq":12345,"item":["[redacted]"]}}"#
      ),
    ] {
      let redacted = words.redact(json: Array(frame.utf8), Self.envelope)
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
      let found = SecretSearch([SecretPatterns(patterns)]).redact(text)
      #expect(found == naive(patterns, text) ?? text, "\(patterns) in \(text)")
    }
  }

  @Test func `a pattern longer than the search window is found`() {
    let long = (0..<700).map { UInt8($0 % 251) }
    let patterns = SecretSearch([SecretPatterns([long])])
    for before in [0, 1, 254, 255, 256, 600] {
      let text = [UInt8](repeating: 0, count: before) + long + [1, 2, 3]
      let clean = [UInt8](repeating: 0, count: before) + Array("[redacted]".utf8) + [1, 2, 3]
      #expect(patterns.redact(text) == clean)
    }
    #expect(patterns.redact(Array(long.dropLast())) == Array(long.dropLast()))
  }

  @Test func `no patterns match nothing`() {
    #expect(SecretSearch([SecretPatterns([])]).redact([1, 2, 3, 4]) == [1, 2, 3, 4])
  }
}
