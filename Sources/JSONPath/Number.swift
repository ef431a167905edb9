import Basics
import JSON

/// A JSON number: an exact 64-bit integer if possible, otherwise a double.
enum Number: Sendable {
  case integer(Int64)
  case double(Double)

  init?(_ json: JSON) {
    guard json.kind == .number else { return nil }
    if let integer = json.integer {
      self = .integer(integer)
    } else {
      self = .double(json.double ?? .nan)
    }
  }

  private var double: Double {
    switch self {
    case .integer(let integer): Double(integer)
    case .double(let double): double
    }
  }

  static func == (left: Number, right: Number) -> Bool {
    if case .integer(let left) = left, case .integer(let right) = right { return left == right }
    return left.double == right.double
  }

  static func < (left: Number, right: Number) -> Bool {
    if case .integer(let left) = left, case .integer(let right) = right { return left < right }
    return left.double < right.double
  }
}
