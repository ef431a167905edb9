import Basics
import JSON
import Mail
import TestSupport
import Testing

/// The .eml files of the public mail-parser suite with the expected results, if present next to the
/// checkout.
struct ParserSuite {
  struct Case: CustomTestStringConvertible, Sendable {
    let name: String
    let source: [UInt8]
    let expected: JSON
    var testDescription: String { name }
  }

  static let cases: [Case]? = {
    var cases: [Case] = []
    for folder in ["rfc", "thirdparty"] {
      guard let files = SharedFile.folder("suites/mail/eml/\(folder)") else { return nil }
      for file in files where file.name.hasSuffix(".eml") {
        let stem = file.name.dropLast(4)
        let plain = file.bytes.filter { $0 != UInt8(ascii: "\r") }
        for (suffix, source) in [(".json", plain), (".crlf.json", withCRLF(plain))] {
          guard let expected = files.first(where: { $0.name == stem + suffix }) else { continue }
          do {
            let json = try JSON.parse(expected.bytes)
            cases.append(Case(name: "\(folder)/\(stem)\(suffix)", source: source, expected: json))
          } catch {
            fatalError("the mail suite: \(expected.name): \(error)")
          }
        }
      }
    }
    return cases
  }()

  /// Intentional differences, by prefix of the location.
  static let differences = [
    // Half a mailbox: a single word is read as an address, not as a name.
    "rfc/001.json part  From", "rfc/001.crlf.json part  From", "rfc/001.json part  To",
    "rfc/001.crlf.json part  To", "rfc/004.json", "rfc/004.crlf.json",
    // A comment is not part of an existing name.
    "rfc/002.json part 1 part 1.0 To", "rfc/002.crlf.json part 1 part 1.0 To",
    // Text after padding is not Base64.
    "thirdparty/002.json part 1", "thirdparty/002.crlf.json part 1",
    // A CR that is half of a UTF-16 character, and a delimiter that does not start a line.
    "thirdparty/005.crlf.json part 0", "thirdparty/005.json part 4",
    "thirdparty/005.crlf.json part 4",
    // A repeated parameter: the first one counts.
    "thirdparty/010.json part  Content-Type comment",
    "thirdparty/010.crlf.json part  Content-Type comment",
    // Delimiters of the outermost multipart in the header of an unfinished inner multipart.
    "thirdparty/015.json", "thirdparty/015.crlf.json",
  ]

  static func differs(_ place: String) -> Bool { differences.contains { place.hasPrefix($0) } }

  private static func withCRLF(_ bytes: [UInt8]) -> [UInt8] {
    bytes.flatMap { $0 == UInt8(ascii: "\n") ? Array("\r\n".utf8) : [$0] }
  }
}

@Suite(.enabled(if: ParserSuite.cases != nil, "the mail suite is absent"))
struct ParserSuiteTests {
  @Test func `the suite is complete`() {
    #expect(ParserSuite.cases?.count == 60)
  }

  @Test(arguments: ParserSuite.cases ?? [])
  func `a mail is parsed as the suite expects`(_ mail: ParserSuite.Case) {
    if ParserSuite.differs(mail.name) { return }
    compare(MailMessage(reading: mail.source), with: mail.expected, in: mail.name)
  }

  private func compare(_ message: MailMessage, with expected: JSON, in place: String) {
    let parts = message.parts
    let expectedParts = expected["parts"].map { Array($0.elements) } ?? []
    #expect(parts.count == expectedParts.count, "\(place)")
    for (part, expectedPart) in zip(parts, expectedParts) {
      let place = place + " part " + part.id
      compareHeaders(part.headers, with: expectedPart, in: place)
      guard let body = expectedPart["body"]?.members.first(where: { _ in true }) else { continue }
      // Parts that the suite's parser rejects are read as far as possible here.
      if expectedPart["is_encoding_problem"]?.bool == true || ParserSuite.differs(place) {
        continue
      }
      switch body.name.string {
      case "Text", "Html": #expect(part.text == body.value.string, "\(place)")
      case "Binary", "InlineBinary":
        #expect(
          part.bytes == body.value.elements.compactMap { $0.integer.map(UInt8.init) }, "\(place)")
      case "Multipart": #expect(part.parts.count == body.value.count, "\(place)")
      case "Message":
        guard let embedded = part.embedded else {
          Issue.record("\(place) is not a mail")
          continue
        }
        compare(embedded, with: body.value, in: place)
      default: Issue.record("\(place): \(body.name.string ?? "")")
      }
    }
  }

  private func compareHeaders(_ headers: MailHeaders, with expected: JSON, in place: String) {
    let fields = expected["headers"].map { Array($0.elements) } ?? []
    #expect(headers.count == fields.count, "\(place)")
    for (header, field) in zip(headers, fields) {
      guard let value = field["value"]?.members.first(where: { _ in true }) else { continue }
      let place = place + " " + header.name
      if ParserSuite.differs(place) { continue }
      switch value.name.string {
      case "Text":
        // The suite keeps unknown fields folded, and ids without brackets.
        let words = value.value.string.map(SuiteText.words)
        #expect(
          [words, words.map { "<\($0)>" }].contains(SuiteText.words(header.value)), "\(place)")
      case "DateTime":
        #expect(headers.date(header.name) == SuiteDate.read(value.value), "\(place)")
      case "Address":
        #expect(SuiteAddress.flat(header.addressList) == SuiteAddress.flat(value.value), "\(place)")
      case "ContentType":
        let subtype = value.value["c_subtype"]?.string.map { "/" + $0 } ?? ""
        #expect(
          header.parameterized.value == (value.value["c_type"]?.string ?? "") + subtype, "\(place)")
        for attribute in value.value["attributes"]?.elements ?? JSON.null.elements {
          let name = attribute["name"]?.string ?? ""
          if ParserSuite.differs("\(place) \(name)") { continue }
          #expect(header.parameterized[name] == attribute["value"]?.string, "\(place) \(name)")
        }
      default: continue
      }
    }
  }
}

enum SuiteText {
  static func words(_ text: String) -> String {
    text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

enum SuiteDate {
  static func read(_ json: JSON) -> MailDate? {
    func number(_ name: String) -> Int { Int(json[name]?.integer ?? 0) }
    guard json.kind == .object else { return nil }
    let offset =
      (number("tz_hour") * 60 + number("tz_minute"))
      * (json["tz_before_gmt"]?.bool == true ? -1 : 1)
    let days = CivilDate(year: number("year"), month: number("month"), day: number("day"))
      .daysSince1970
    let minutes = (days * 24 + number("hour")) * 60 + number("minute") - offset
    return MailDate(
      Timestamp(millisecondsSince1970: Int64(minutes * 60 + number("second")) * 1_000),
      offsetMinutes: offset)
  }
}

enum SuiteAddress {
  static func flat(_ entries: [MailAddressEntry]) -> [String] {
    entries.flatMap { entry in
      switch entry {
      case .mailbox(let mailbox): [flat(mailbox)]
      case .group(let name, let mailboxes): ["group \(name)"] + mailboxes.map(flat)
      }
    }
  }

  static func flat(_ json: JSON) -> [String] {
    if let list = json["List"] { return list.elements.map(flatMailbox) }
    return (json["Group"]?.elements).map { groups in
      groups.flatMap { group in
        (group["name"]?.string.map { ["group \($0)"] } ?? [])
          + (group["addresses"].map { Array($0.elements) } ?? []).map(flatMailbox)
      }
    } ?? []
  }

  private static func flat(_ mailbox: MailAddress) -> String {
    "\(mailbox.name ?? "-") <\(mailbox.address)>"
  }

  private static func flatMailbox(_ json: JSON) -> String {
    "\(json["name"]?.string ?? "-") <\(json["address"]?.string ?? "")>"
  }
}

extension JSON {
  static let null: JSON = {
    do { return try JSON.parse("null") } catch { fatalError("\(error)") }
  }()
}
