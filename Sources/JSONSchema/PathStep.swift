import JSON

/// A step from a value to a part of it.
enum PathStep {
  /// A member, by its name in the value.
  case member(JSON)
  /// A member that may be absent.
  case name(String)
  case index(Int)

  static func pointer(_ steps: [PathStep]) -> String {
    steps.reduce(into: "") { pointer, step in
      switch step {
      case .member(let name): pointer += Pointer.step(name.string ?? "")
      case .name(let name): pointer += Pointer.step(name)
      case .index(let index): pointer += "/\(index)"
      }
    }
  }
}
