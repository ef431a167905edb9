import Glibc

/// What a process that was killed left in a store.
enum Leftovers {
  /// Seconds after which what is not finished will never be.
  private static let ageSeconds = 3_600

  static func isOld(_ written: Int) -> Bool { written < time(nil) - ageSeconds }

  /// Removes unfinished files, and contents that no record leads to. Never what is not the store's.
  static func remove(from directory: StoreDirectory) {
    for name in (try? directory.names()) ?? [] where isLeftover(name, in: directory) {
      _ = try? directory.remove(name)
    }
  }

  private static func isLeftover(_ name: String, in directory: StoreDirectory) -> Bool {
    guard let part = FileRecord.Part(name), part.kind != .record,
      let status = directory.status(of: name), isOld(status.written)
    else { return false }
    return part.kind == .unfinished || directory.status(of: FileRecord.name(part.id)) == nil
  }
}
