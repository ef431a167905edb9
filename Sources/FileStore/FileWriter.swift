import Basics
import Crypto

/// Writes and hashes a file. The file is invisible until it is finished.
struct FileWriter: ~Copyable {
  /// Size and digests of the complete content.
  struct Content {
    let size: Int
    let md5: String
    let sha1: String
    let sha256: String
  }

  private let file: OpenFile
  private let maximumBytes: Int
  private var digests: FileDigests
  private var size = 0

  init(_ name: String, in directory: StoreDirectory, maximumBytes: Int) throws(FileStoreError) {
    let digests: FileDigests
    do throws(CryptoError) {
      digests = try FileDigests()
    } catch {
      throw .unavailable(error)
    }
    let file: OpenFile
    do throws(FileError) {
      file = try directory.create(name)
    } catch {
      throw .unavailable(error)
    }
    self.file = file
    self.digests = digests
    self.maximumBytes = maximumBytes
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) throws(FileStoreError) {
    guard bytes.count <= maximumBytes - size else { throw .tooLarge(maximumBytes: maximumBytes) }
    do throws(CryptoError) {
      try digests.update(bytes)
    } catch {
      throw .unavailable(error)
    }
    do throws(FileError) {
      try file.write(bytes)
    } catch {
      throw .unavailable(error)
    }
    size += bytes.count
  }

  /// - Parameter durably: whether the content must survive a power failure.
  consuming func finish(durably: Bool) throws(FileStoreError) -> Content {
    do throws(FileError) {
      if durably { try file.sync() }
    } catch {
      throw .unavailable(error)
    }
    do throws(CryptoError) {
      let size = size
      let (md5, sha1, sha256) = try digests.hex()
      return Content(size: size, md5: md5, sha1: sha1, sha256: sha256)
    } catch {
      throw .unavailable(error)
    }
  }
}
