import Basics
import TestSupport
import Testing

@Suite struct FormFieldsTests {
  /// The last line: all ASCII characters except letters and digits.
  @Test(arguments: [
    ("", ""), ("azAZ09*-._", "azAZ09*-._"), ("a b", "a+b"), ("a+b", "a%2Bb"), ("~", "%7E"),
    ("a&b=c%d", "a%26b%3Dc%25d"), ("é€𝄞", "%C3%A9%E2%82%AC%F0%9D%84%9E"),
    ("\u{0}\r\n", "%00%0D%0A"),
    (
      " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u{7F}",
      "+%21%22%23%24%25%26%27%28%29*%2B%2C-.%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E_%60%7B%7C%7D%7E%7F"
    ),
  ])
  func `names and values round-trip in the encoding of the URL standard`(
    text: String, encoded: String
  ) {
    let fields: FormFields = [text: "x", "y": text]
    #expect(fields.encoded == "\(encoded)=x&y=\(encoded)")
    #expect(FormFields(decoding: fields.encoded.utf8) == fields)
  }

  @Test func `fields without a value are omitted, empty fields are not`() {
    var fields: FormFields = ["grant_type": "refresh_token"]
    fields.append("scope", nil)
    fields.append("code", "")
    #expect(fields.encoded == "grant_type=refresh_token&code=")
    #expect(FormFields().encoded == "")
  }

  /// The parser of the URL standard, section 5.1; compare its test data for urlencoded parsing.
  @Test(arguments: [
    ("", []), ("&", []), ("&&a=b&&", [["a", "b"]]), ("a", [["a", ""]]), ("=", [["", ""]]),
    ("=b", [["", "b"]]), ("a=b=c", [["a", "b=c"]]),
    ("a=1&a=2&b=3", [["a", "1"], ["a", "2"], ["b", "3"]]),
    ("a+b=c+d", [["a b", "c d"]]), ("a%20b=%2B", [["a b", "+"]]),
    ("a%3Db=c%26d", [["a=b", "c&d"]]),
    ("%=%2", [["%", "%2"]]), ("a=%zz%41", [["a", "%zzA"]]), ("a=%C3", [["a", "\u{FFFD}"]]),
    ("a=%c3%a9é", [["a", "éé"]]), ("a;b=c", [["a;b", "c"]]),
    ("%EF%BB%BFa=b", [["\u{FEFF}a", "b"]]),
  ])
  func `forms are decoded by the URL standard`(text: String, pairs: [[String]]) {
    #expect(FormFields(decoding: text.utf8).all.map { [$0.name, $0.value] } == pairs)
  }

  @Test(arguments: [
    ("http://127.0.0.1:8085/?state=x%2By&code=4%2F0Ab&scope=a%20b+c", "4/0Ab"),
    ("/?code=4%2F0Ab#fragment&code=2", "4/0Ab"), ("https://a.example/?a?code=1&code=?", "?"),
    ("https://a.example/", nil), ("https://a.example/#?code=1", nil), ("code=1", nil), ("?", nil),
    ("", nil),
  ])
  func `the query of a URL is found`(url: String, code: String?) {
    #expect(FormFields(queryOf: url)["code"] == code)
  }

  @Test func `the first of repeated values counts, and the repetition is reported`() {
    let fields = FormFields(decoding: "a=1&b=2&a=3".utf8)
    #expect(fields["a"] == "1")
    #expect(fields.repeatedName == "a")
    #expect(FormFields(decoding: "a=1&b=1".utf8).repeatedName == nil)
  }
}
