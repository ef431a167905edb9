import Glibc

/// Removes files that killed processes left in a store.
enum StaleFiles {
  /// Age in seconds after which an unfinished file is stale.
  private static let ageSeconds = 3_600

  static func isOld(_ written: Int) -> Bool { written < time(nil) - ageSeconds }

  /// Removes unfinished files and contents without a record. Ignores names that do not belong to
  /// the store.
  static func remove(from directory: StoreDirectory) {
    for name in (try? directory.names()) ?? [] where isStale(name, in: directory) {
      _ = try? directory.remove(name)
    }
  }

  private static func isStale(_ name: String, in directory: StoreDirectory) -> Bool {
    guard let part = FileRecord.Part(name), part.kind != .record,
      let status = directory.status(of: name), isOld(status.written)
    else { return false }
    return part.kind == .unfinished || directory.status(of: FileRecord.name(part.id)) == nil
  }
}
