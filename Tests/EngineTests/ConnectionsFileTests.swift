import Basics
import Foundation
import Glibc
import Testing

@testable import Engine

@Suite struct ConnectionsFileTests {
  private let state = TemporaryState()

  private func file() throws -> ConnectionsFile {
    let path = state.path + "/connections.json"
    let settings = (0..<20).map { "\"s\($0)\":\"old\"" }.joined(separator: ",")
    try Data("{\"connections\":{\"c\":{\"settings\":{\(settings)}}}}".utf8)
      .write(to: URL(fileURLWithPath: path))
    return ConnectionsFile(path, setMilliseconds: 120_000)
  }

  private var content: String { state.content("connections.json") }

  @Test func `changes wait for another process without a thread, and none is lost`() async throws {
    let file = try file()
    let directory = open(state.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(directory) }
    #expect(FileLock.tryLock(directory) == 0)
    await withTaskGroup(of: String?.self) { group in
      for number in 0..<20 {
        group.addTask {
          do throws(ConnectionsFile.Fault) {
            try await file.set("s\(number)", of: "c", to: "new")
            return nil
          } catch {
            return error.reason
          }
        }
      }
      // More changes than threads wait, and blocking work goes on.
      for lane in [BlockingWork.state, .files] {
        #expect((try? await lane.run(until: Deadline(inMilliseconds: 120_000)) { 1 }) == 1)
      }
      #expect(!content.contains("new"))
      FileLock.unlock(directory)
      for await reason in group { #expect(reason == nil) }
    }
    #expect(!content.contains("old"))
    let names = try FileManager.default.contentsOfDirectory(atPath: state.path)
    #expect(!names.contains { $0.hasSuffix(".new") })
  }
}
