import JSON

/// Finds equal elements of an array.
enum UniqueElements {
  enum Repetition {
    case none
    /// The positions of the first repetition.
    case found(Int, Int)
    /// An element is nested too deeply to be compared.
    case tooDeep
  }

  /// Most arrays have no repetition, so the first pass keeps hashes only. The hashes have a random seed:
  /// no array can be built to collide.
  static func repetition(in array: JSON, depth: Int) -> Repetition {
    var hashes = Set<Int>(minimumCapacity: array.count)
    var suspects: Set<Int> = []
    for element in array.elements {
      guard let hash = hash(of: element, depth: depth) else { return .tooDeep }
      if !hashes.insert(hash).inserted { suspects.insert(hash) }
    }
    guard !suspects.isEmpty else { return .none }
    var positions: [[UInt8]: Int] = [:]
    for (position, element) in array.elements.enumerated() {
      guard let hash = hash(of: element, depth: depth), suspects.contains(hash),
        let key = ValueKey(element, depth: depth)
      else { continue }
      if let first = positions.updateValue(position, forKey: key.bytes) {
        return .found(first, position)
      }
    }
    return .none
  }

  private static func hash(of element: JSON, depth: Int) -> Int? {
    var hasher = Hasher()
    if let integer = element.integer {
      hasher.combine(integer)
    } else if element.plainText != nil {
      element.withSource { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    } else if element.kind == .string {
      // As the source of a plain text, with its quotes.
      let quote = [UInt8(ascii: "\"")]
      let bytes = quote + (element.stringBytes ?? []) + quote
      bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    } else {
      guard let key = ValueKey(element, depth: depth) else { return nil }
      key.bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
    return hasher.finalize()
  }
}
