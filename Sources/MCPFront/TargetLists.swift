import Basics
import Engine
import FileStore
import IntegrationKit
import JSON
import Synchronization

/// The complete lists of targets of one question, which shows only some of them. They are stored
/// files, and so resources, until the question is closed.
final class TargetLists: Sendable {
  private struct State {
    /// By the name of the argument.
    var files: [String: StoredFile] = [:]
    var isNeeded = true
  }

  private let files: QuestionFiles
  private let state = Mutex(State())

  init(in files: QuestionFiles) { self.files = files }

  subscript(argument: String) -> StoredFile? { state.withLock { $0.files[argument] } }

  /// Stores the lists of an invocation.
  ///
  /// - Throws: if they cannot be stored. A question that hides targets must not be asked.
  func store(
    for invocation: PreparedInvocation, until deadline: Deadline
  ) async throws(CommandError) {
    for argument in Confirmation.Argument.all(of: invocation) {
      let targets = argument.targets
      guard targets.count > Confirmation.maximumNames else { continue }
      // The text is the caller's.
      try await store(
        Self.content(targets), of: argument.name,
        named: "\(invocation.command.id).\(argument.name).json", until: deadline)
    }
  }

  /// A JSON array with one target per line.
  private static func content(_ targets: [String]) -> [UInt8] {
    let lines = targets.map { target in JSONFragment { $0.string(target) }.text }
    return Array("[\n\(lines.joined(separator: ",\n"))\n]\n".utf8)
  }

  private func store(
    _ content: [UInt8], of argument: String, named name: String, until deadline: Deadline
  ) async throws(CommandError) {
    let outcome: Result<Void, FileStoreError>
    do throws(BlockingWork.Interruption) {
      outcome = try await BlockingWork.files.run(until: deadline) { [self] in
        Result { () throws(FileStoreError) in
          add(try files.put(content, named: name), of: argument)
        }
      }
    } catch {
      throw CommandError(error, of: "Storing the list of targets")
    }
    do throws(FileStoreError) {
      try outcome.get()
    } catch {
      throw CommandError(error, of: "The list of targets")
    }
  }

  private func add(_ file: StoredFile, of argument: String) {
    let isNeeded = state.withLock { state in
      if state.isNeeded { state.files[argument] = file }
      return state.isNeeded
    }
    // The question ended while the file was stored.
    if !isNeeded { files.remove([file.id]) }
  }

  /// Removes the files, also those that are being stored.
  func remove() {
    let ids = state.withLock { state in
      state.isNeeded = false
      defer { state.files = [:] }
      return state.files.values.map(\.id)
    }
    if !ids.isEmpty { BlockingWork.files.submit { [files] in files.remove(ids) } }
  }
}

/// The stored files of all questions of a connection.
final class QuestionFiles: Sendable {
  private static let removalMilliseconds = 2_000

  private let store: FileStore
  private let ids = Mutex<Set<String>>([])
  /// Held while files are removed, so that `removeAll` ends after every earlier removal.
  private let removal = Mutex(())

  init(in store: FileStore) { self.store = store }

  /// Blocks.
  func put(_ content: [UInt8], named name: String) throws(FileStoreError) -> StoredFile {
    let file = try store.put(
      name: name, content: content, contentType: "application/json", source: .playbookFile)
    ids.withLock { _ = $0.insert(file.id) }
    return file
  }

  /// Blocks.
  func remove(_ removed: [String]) {
    removal.withLock { _ in
      for id in removed {
        _ = try? store.remove(id)
        ids.withLock { _ = $0.remove(id) }
      }
    }
  }

  /// Removes what is left when the host ends. Blocks for a bounded time.
  func removeAll() {
    guard !ids.withLock({ $0.isEmpty }) else { return }
    let done = Monitor(false)
    BlockingWork.files.submit { [self] in
      remove(ids.withLock { Array($0) })
      done.withLock { $0 = true }
      done.notify()
    }
    _ = done.wait(until: Deadline(inMilliseconds: Self.removalMilliseconds)) { $0 ? true : nil }
  }
}
