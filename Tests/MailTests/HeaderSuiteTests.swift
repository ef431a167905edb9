import Basics
import Mail
import TestSupport
import Testing

/// One of the tables of header values of the public mail-parser suite.
struct HeaderSuite {
  struct Case: CustomTestStringConvertible, Sendable {
    let header: String
    let expected: JSON
    var testDescription: String { header }

    /// The value as the first field of a mail.
    var headers: MailHeaders {
      MailMessage(reading: Array("X:\(header)\n\n".utf8)).headers
    }
  }

  static let texts = load("unstructured")
  static let addresses = load("address")
  static let dates = load("date")

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

@Suite(.enabled(if: HeaderSuite.texts != nil, "the mail suite is not there"))
struct HeaderSuiteTests {
  @Test func `the suite is whole`() {
    #expect(HeaderSuite.texts?.count == 30)
    #expect(HeaderSuite.addresses?.count == 60)
    #expect(HeaderSuite.dates?.count == 40)
  }

  @Test(arguments: HeaderSuite.texts ?? [])
  func `text is decoded as the suite expects`(_ text: HeaderSuite.Case) {
    #expect(text.headers.value("X") == text.expected.string)
  }

  @Test(arguments: HeaderSuite.addresses ?? [])
  func `addresses are read as the suite expects`(_ list: HeaderSuite.Case) {
    let entries = list.headers["X"]?.addressList ?? []
    #expect(SuiteAddress.flat(entries) == SuiteAddress.flat(list.expected))
  }

  @Test(arguments: HeaderSuite.dates ?? [])
  func `dates are read as the suite expects`(_ date: HeaderSuite.Case) {
    #expect(date.headers.date("X") == SuiteDate.read(date.expected))
  }
}
