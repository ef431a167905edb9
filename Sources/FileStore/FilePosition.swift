/// A cursor in the order of files. It stays valid when its file is removed.
package struct FilePosition: Comparable, Sendable {
  let nanoseconds: Int64
  let id: String

  /// The text form for callers.
  package var text: String { "\(nanoseconds)-\(id)" }

  init(nanoseconds: Int64, id: String) {
    self.nanoseconds = nanoseconds
    self.id = id
  }

  /// Nil if the text is not a position.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let nanoseconds = Int64(parts[0]), FileID.isValid(parts[1]) else {
      return nil
    }
    self.init(nanoseconds: nanoseconds, id: String(parts[1]))
  }

  package static func < (one: Self, other: Self) -> Bool {
    (one.nanoseconds, one.id) < (other.nanoseconds, other.id)
  }
}

extension StoredFile {
  package var position: FilePosition { FilePosition(nanoseconds: createdNanoseconds, id: id) }
}
