import Synchronization

/// A library that is loaded on first use. After a failure the next use tries it again, because a
/// shortage of descriptors passes.
package final class LoadedLibrary<Library: Sendable, Failure: Error>: Sendable {
  private let library = Mutex<Library?>(nil)
  private let load: @Sendable () throws(Failure) -> Library

  package init(_ load: @escaping @Sendable () throws(Failure) -> Library) { self.load = load }

  /// Blocks while the library is loaded.
  package func get() throws(Failure) -> Library {
    try library.withLock { library throws(Failure) in
      if let library { return library }
      let loaded = try load()
      library = loaded
      return loaded
    }
  }
}
