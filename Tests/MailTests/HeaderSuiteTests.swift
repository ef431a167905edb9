import Basics
import JSON
import Mail
import TestSupport
import Testing

/// A table of header values from the public mail-parser suite.
struct HeaderSuite {
  struct Case: CustomTestStringConvertible, Sendable {
    let header: String
    let expected: JSON
    var testDescription: String { header }

    /// The headers of a mail with the value in its first field.
    var headers: MailHeaders {
      MailMessage(reading: Array("X:\(header)\n\n".utf8)).headers
    }
  }

  static let texts = load("unstructured")
  static let addresses = load("address")
  static let dates = load("date")

  /// Intentional differences, by a substring of the header, with the reason and our result.
  static let differences: [(header: String, reason: String, values: [String])] = [
    (
      "[SUSPECTED SPAM]=?utf-8?B?", "no space is inserted before a word",
      ["[SUSPECTED SPAM]This is the original subject"]
    ),
    ("=?utf-8?Q??=here", "no space is inserted after a word", ["Some text here"]),
    (" 4 8 15 16 23 42,", "a single digit is not a zone", ["2015-08-04T16:23:42Z"]),
    (
      "Pete(A nice \n", "after unfolding, the backslash precedes a space",
      ["Pete chap) <pete@silly.test>"]
    ),
    ("Pete(A nice", "a comment is not part of a name", ["Pete <pete@silly.test>"]),
    (
      "A Group(Some people)", "a comment is not part of a group name",
      [
        "group A Group", "Chris Jones <c@public.example>", "- <joe@example.org>",
        "John <jdoe@one.test>", "the end of the group <>",
      ]
    ),
    (
      "(Empty list)(start)Hidden", "comments nest",
      ["group Hidden recipients", "nobody(that I know) <>"]
    ),
    (
      "<@node.test:mary@example.net>", "obsolete routes and blanks around dots are removed",
      ["Mary Smith <mary@example.net>", "- <jdoe@test.example>"]
    ),
    (
      "John Doe <jdoe@machine(comment).  example>", "blanks around dots are removed",
      ["John Doe <jdoe@machine.example>"]
    ),
    (
      "(=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=)", "a comment is not part of a name",
      ["Nathaniel Borenstein <nsb@thumper.bellcore.com>"]
    ),
    (
      "\"  James Smythe\"", "blanks around a name are removed",
      [
        "James Smythe <james@example.com>", "group Friends", "- <jane@example.com>",
        "John Smîth <john@example.com>",
      ]
    ),
    ("Name (comment) =?utf-8?q?Doe?=", "a comment is not part of a name", ["Name Doe <a@b.com>"]),
  ]

  static func difference(_ header: String) -> [String]? {
    differences.first { header.contains($0.header) }?.values
  }

  private static func load(_ name: String) -> [Case]? {
    SharedFile.bytes("suites/mail/\(name).json").map { bytes in
      do {
        return try JSON.parse(bytes).elements.map { element in
          Case(header: element["header"]?.string ?? "", expected: element["expected"] ?? .null)
        }
      } catch {
        fatalError("the mail suite: \(name): \(error)")
      }
    }
  }
}

@Suite(.enabled(if: HeaderSuite.texts != nil, "the mail suite is absent"))
struct HeaderSuiteTests {
  @Test func `the suite is complete`() {
    #expect(HeaderSuite.texts?.count == 30)
    #expect(HeaderSuite.addresses?.count == 60)
    #expect(HeaderSuite.dates?.count == 40)
  }

  @Test(arguments: HeaderSuite.texts ?? [])
  func `text is decoded as the suite expects`(_ text: HeaderSuite.Case) {
    let expected = HeaderSuite.difference(text.header)?.first ?? text.expected.string
    #expect(text.headers.value("X") == expected)
  }

  @Test(arguments: HeaderSuite.addresses ?? [])
  func `addresses are read as the suite expects`(_ list: HeaderSuite.Case) {
    let entries = list.headers["X"]?.addressList ?? []
    let expected = HeaderSuite.difference(list.header) ?? SuiteAddress.flat(list.expected)
    #expect(SuiteAddress.flat(entries) == expected)
  }

  @Test(arguments: HeaderSuite.dates ?? [])
  func `dates are read as the suite expects`(_ date: HeaderSuite.Case) {
    if let expected = HeaderSuite.difference(date.header) {
      #expect(date.headers.date("X")?.timestamp.rfc3339 == expected.first)
    } else {
      #expect(date.headers.date("X") == SuiteDate.read(date.expected))
    }
  }
}
