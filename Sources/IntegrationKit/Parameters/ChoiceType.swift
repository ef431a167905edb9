import Basics
import FileStore
import JSON

/// A closed set of names.
///
/// Vendors' documents write them in other ways: `Quick Scan - 1`, `quick scan`, `1`. All of these
/// are accepted for `quick_scan`.
public protocol ParameterChoice: CaseIterable, RawRepresentable, Sendable where RawValue == String {
  /// The vendor's number, which the documents write behind the name.
  var documentedNumber: Int? { get }
  /// Documented names that the raw value does not spell.
  var otherNames: [String] { get }
  /// Values that are accepted, but neither in the schema nor suggested.
  static var unlisted: [Self] { get }
}

extension ParameterChoice {
  public var documentedNumber: Int? { nil }
  public var otherNames: [String] { [] }
  public static var unlisted: [Self] { [] }
}

/// The schema lists the raw values only, so that there is one spelling to learn.
public struct ChoiceType<Choice: ParameterChoice>: ParameterType {
  public var placeholder: Choice {
    guard let first = Choice.allCases.first else { preconditionFailure("the choice has no values") }
    return first
  }

  public func decode(
    _ json: JSON, members: ParameterShape?, faults: inout [ParameterProblem]
  ) -> Choice? {
    // Apart, so that it is specialized for each choice.
    if let choice = Self.canonical(json) { return choice }
    return decodeOther(json, faults: &faults)
  }

  private func decodeOther(_ json: JSON, faults: inout [ParameterProblem]) -> Choice? {
    if let choice = other(json) { return choice }
    let names = Choice.allCases.map(\.rawValue)
    faults.append(
      ParameterProblem(
        "unknown value; expected one of: \(names.joined(separator: ", "))",
        didYouMean: json.string.flatMap { Suggestion.closest(to: $0, among: names) }))
    return nil
  }

  public func conditionValue(of json: JSON) -> ConditionValue? {
    (Self.canonical(json) ?? other(json)).map(ConditionValue.choice)
  }

  /// The choice with that raw value.
  @inline(__always)
  private static func canonical(_ json: JSON) -> Choice? {
    // By bytes: strings are equal if they are canonically equivalent. Faster than init(rawValue:), which
    // needs a string.
    guard json.kind == .string else { return nil }
    return Choice.allCases.first { json.equals($0.rawValue) }
  }

  /// The choice with another spelling, or its number.
  private func other(_ json: JSON) -> Choice? {
    let choices = Choice.allCases + Choice.unlisted
    if let number = json.integer {
      return choices.first { $0.documentedNumber.map(Int64.init) == number }
    }
    guard let name = json.string.flatMap({ ChoiceName($0) }) else { return nil }
    return choices.first { name.spells($0) }
  }

  public func writeSchema(to writer: inout JSONWriter) {
    writer.member("type", "string")
    writer.name("enum")
    writer.array { for choice in Choice.allCases { $0.string(choice.rawValue) } }
  }

  public func write(_ value: Choice, to writer: inout JSONWriter) {
    writer.string(value.rawValue)
  }
}

/// A name in lower case without spaces, hyphens and underscores: the same for every spelling.
private struct ChoiceName: Equatable {
  /// Longer texts are no names.
  private static let maximumBytes = 256

  private var bytes: [UInt8] = []

  /// - Returns: nil for a text that does not begin and end with a part of a name.
  init?(_ text: String) {
    let text = text.utf8
    guard text.count <= Self.maximumBytes, let first = text.first, let last = text.last,
      !Self.separates(first), !Self.separates(last)
    else { return nil }
    for byte in text where !Self.separates(byte) {
      let isUpperCase = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
      bytes.append(isUpperCase ? byte | 0x20 : byte)
    }
  }

  private static func separates(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
  }

  /// Whether it is a name of the choice, its number, or a name and the number.
  func spells(_ choice: some ParameterChoice) -> Bool {
    let names = [choice.rawValue] + choice.otherNames
    let number = choice.documentedNumber.map { [UInt8](String($0).utf8) }
    return bytes == number
      || names.contains { name in
        guard let name = ChoiceName(name)?.bytes else { return false }
        return bytes == name || bytes == name + (number ?? [])
      }
  }
}

extension FileSource: ParameterChoice {
  /// The document's example has a name that its list of sources lacks.
  public var otherNames: [String] {
    self == .incidentAttachmentFile ? ["IR Attachment"] : []
  }
}
