import Basics
import HTTP
import JSON

public struct TextType: ParameterType {
  let maximumCharacters: Int
  var mayBeEmpty = false
  /// Rejects line breaks and NUL, which would end a header line or a C string.
  var isLine = false
  /// Drops white space around the text.
  var isTrimmed = false
  public var placeholder: String { "" }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> String? {
    guard let source = json.string else {
      faults.append(ParameterProblem("must be a string"))
      return nil
    }
    let text = isTrimmed ? SecretText.trimmed(source) : source
    guard mayBeEmpty || !text.isEmpty, source.unicodeScalars.count <= maximumCharacters else {
      faults.append(
        ParameterProblem(
          text.isEmpty
            ? "must not be empty" : "must have at most \(maximumCharacters) characters"))
      return nil
    }
    if isLine, text.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) {
      faults.append(ParameterProblem("must not contain a line break or a NUL character"))
      return nil
    }
    return text
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    if !mayBeEmpty { writer.member("minLength", 1) }
    writer.member("maxLength", maximumCharacters)
    if isTrimmed { writer.member("pattern", #"[^\s\u0000-\u001f\u007f\u200b]"#) }
    if isLine { writer.member("pattern", #"^[^\u0000\r\n]*$"#) }
  }

  public func write(_ value: String, to writer: inout JSONWriter) { writer.string(value) }
}

/// The base URL of a vendor's API. `BaseURL` documents the accepted forms.
public struct ServerURLType: ParameterType {
  public var placeholder: BaseURL? { nil }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> BaseURL?? {
    guard let text = json.string else {
      faults.append(ParameterProblem("must be a string"))
      return nil
    }
    do {
      return try BaseURL(text)
    } catch {
      faults.append(ParameterProblem(error.reason))
      return nil
    }
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.member("format", "uri")
    writer.member("pattern", "^ *https?://")
  }

  public func write(_ value: BaseURL?, to writer: inout JSONWriter) {
    writer.string(value?.text ?? "")
  }
}

public struct IntegerType: ParameterType {
  let range: ClosedRange<Int64>
  public var placeholder: Int64 { range.lowerBound }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Int64? {
    guard let value = json.integer, range.contains(value) else {
      faults.append(ParameterProblem("must be an integer \(rangeText)"))
      return nil
    }
    return value
  }

  private var rangeText: String {
    range.upperBound == .max
      ? "of \(range.lowerBound) or more" : "from \(range.lowerBound) to \(range.upperBound)"
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "integer")
    writer.member("minimum", Int(range.lowerBound))
    if range.upperBound != .max { writer.member("maximum", Int(range.upperBound)) }
  }

  public func write(_ value: Int64, to writer: inout JSONWriter) { writer.integer(value) }
}

/// A vendor's integer id. A string of digits is accepted too, because tools that pass ids on often
/// convert them to strings.
public struct IdentifierType: ParameterType {
  /// 18 digits: the most that schema and validation can express for both integers and strings.
  private static let maximum: Int64 = 999_999_999_999_999_999
  public var placeholder: Int64 { 0 }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Int64? {
    if let value = json.integer, (0...Self.maximum).contains(value) { return value }
    if let text = json.string, (1...18).contains(text.utf8.count),
      text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int64(text)
    {
      return value
    }
    faults.append(
      ParameterProblem("must be an integer from 0 of at most 18 digits, or a string of digits")
    )
    return nil
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.name("type")
    writer.array {
      $0.string("integer")
      $0.string("string")
    }
    writer.member("minimum", 0)
    writer.member("maximum", Int(Self.maximum))
    writer.member("pattern", "^[0-9]{1,18}$")
  }

  public func write(_ value: Int64, to writer: inout JSONWriter) { writer.integer(value) }
}

public struct BooleanType: ParameterType {
  public var placeholder: Bool { false }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Bool? {
    if json.bool == nil { faults.append(ParameterProblem("must be true or false")) }
    return json.bool
  }

  public func writeSchema(to writer: inout JSONWriter) { writer.member("type", "boolean") }
  public func write(_ value: Bool, to writer: inout JSONWriter) { writer.bool(value) }
}

/// A duration in seconds, from one millisecond to one year.
public struct NumberType: ParameterType {
  private static let least = 0.001
  private static let most = 31_536_000.0

  public var placeholder: Double { 1 }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Double? {
    guard let value = json.double, value >= Self.least, value <= Self.most else {
      faults.append(ParameterProblem("must be a number from \(Self.least) to \(Int(Self.most))"))
      return nil
    }
    return value
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "number")
    writer.name("minimum")
    writer.double(Self.least)
    writer.member("maximum", Int(Self.most))
  }

  public func write(_ value: Double, to writer: inout JSONWriter) { writer.double(value) }
}
