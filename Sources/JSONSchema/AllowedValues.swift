import Basics
import JSON

/// The values of `enum`, or the one of `const`.
final class AllowedValues: Sendable {
  private let strings: NameTable
  private let scalars: Set<JSON.Kind>
  private let integers: Set<Int64>
  private let decimals: Set<DecimalNumber>
  private let containers: Set<[UInt8]>
  /// The values as a message shows them, of the first ones.
  private let listed: [String]
  private let count: Int

  /// - Returns: nil if a value is nested too deeply.
  init?(_ values: [JSON]) {
    var (texts, keys): ([String], Set<[UInt8]>) = ([], [])
    var scalars: Set<JSON.Kind> = []
    var integers: Set<Int64> = []
    var decimals: Set<DecimalNumber> = []
    var containers: Set<[UInt8]> = []
    for value in values {
      switch value.kind {
      case .null, .false, .true: scalars.insert(value.kind)
      case .string:
        if let text = value.string, keys.insert(Array(text.utf8)).inserted { texts.append(text) }
      case .number:
        if let integer = value.integer {
          integers.insert(integer)
        } else {
          decimals.insert(DecimalNumber(value))
        }
      case .array, .object:
        guard let key = ValueKey(value, depth: SchemaLimits.depth) else { return nil }
        containers.insert(key.bytes)
      }
    }
    strings = NameTable(texts)
    (self.scalars, self.integers, self.decimals) = (scalars, integers, decimals)
    self.containers = containers
    count = values.count
    listed = values.prefix(SchemaLimits.listedValues).map { value in
      value.kind == .string && values.count > 1 ? value.shortString : value.shortText
    }
  }

  func contains(_ value: JSON) -> Bool {
    switch value.kind {
    case .null, .false, .true: return scalars.contains(value.kind)
    case .string: return strings.position(of: value) != nil
    case .number:
      if let integer = value.integer { return integers.contains(integer) }
      return !decimals.isEmpty && decimals.contains(DecimalNumber(value))
    case .array, .object:
      guard !containers.isEmpty, let key = ValueKey(value, depth: SchemaLimits.depth)
      else { return false }
      return containers.contains(key.bytes)
    }
  }

  var message: String {
    if count == 0 { return "is not allowed" }
    if count == 1 { return "must be \(listed[0])" }
    let more = count > listed.count ? " and \(count - listed.count) more" : ""
    return "unknown value; expected one of: \(listed.joined(separator: ", "))\(more)"
  }

  /// The strings that a suggestion is chosen from.
  var names: [String] { strings.texts }
}

extension JSON {
  /// A string without quotes, truncated for a message.
  var shortString: String {
    let text = string ?? ""
    return text.utf8.count > SchemaLimits.textBytes
      ? "\(text.prefix(SchemaLimits.textBytes / 4))…" : text
  }
}
