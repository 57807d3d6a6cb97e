//! OCI layouts: read back, by our reader and by that of another, and refused where anything was changed.

use std::fs;
use std::path::{Path, PathBuf};

use dist::component::{Component, sha256};
use dist::oci;
use oci_spec::image::{ImageIndex, ImageManifest, OciLayout};

use super::{built, folder, named};

const POLICY: &[u8] = b"version: \"1.0\"\n";

fn written(name: &str, policy: Option<&[u8]>) -> (Component, PathBuf) {
    let component = built(&named()[0]);
    let layout = folder(name).join("layout");
    oci::write(&layout, &component, policy).unwrap();
    (component, layout)
}

fn blobs(layout: &Path) -> Vec<PathBuf> {
    let mut blobs: Vec<_> = fs::read_dir(layout.join("blobs/sha256")).unwrap().map(|entry| entry.unwrap().path()).collect();
    blobs.sort();
    blobs
}

#[test]
fn a_layout_is_read_back_as_it_was_written() {
    for policy in [None, Some(POLICY)] {
        let (component, layout) = written("back", policy);
        let image = oci::read(&layout).unwrap();
        assert_eq!(image.tag, component.version);
        assert_eq!(image.layers[0], ("application/wasm".to_owned(), component.bytes.clone()), "byte for byte");
        let second = policy.map(|policy| ("application/vnd.wasm.policy.v1+yaml".to_owned(), policy.to_vec()));
        assert_eq!(image.layers.get(1), second.as_ref());
        assert_eq!((image.config.architecture.as_str(), image.config.os.as_str()), ("wasm", "wasip2"));
        assert_eq!((&image.config.component.exports, &image.config.component.imports), (&component.exports, &component.imports));
        assert_eq!(image.annotations["org.opencontainers.image.licenses"], component.license);
    }
}

#[test]
fn another_reader_finds_the_same() {
    let (component, layout) = written("other", Some(POLICY));
    assert_eq!(OciLayout::from_file(layout.join("oci-layout")).unwrap().image_layout_version(), "1.0.0");
    let index = ImageIndex::from_file(layout.join("index.json")).unwrap();
    let [of_manifest] = index.manifests().as_slice() else { panic!("{index:?}") };
    let manifest = ImageManifest::from_file(layout.join("blobs/sha256").join(of_manifest.as_digest_sha256().unwrap())).unwrap();
    assert_eq!(manifest.media_type().as_ref().unwrap().to_string(), "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest.config().media_type().to_string(), "application/vnd.wasm.config.v0+json");
    let described = [manifest.config()].into_iter().chain(manifest.layers()).chain([of_manifest]);
    for descriptor in described {
        let digest = descriptor.as_digest_sha256().unwrap();
        let bytes = fs::read(layout.join("blobs/sha256").join(digest)).unwrap();
        assert_eq!((sha256(&bytes).as_str(), bytes.len() as u64), (digest, descriptor.size()));
    }
    let types: Vec<_> = manifest.layers().iter().map(|layer| (layer.media_type().to_string(), layer.size())).collect();
    let policy = ("application/vnd.wasm.policy.v1+yaml".to_owned(), POLICY.len() as u64);
    assert_eq!(types, [("application/wasm".to_owned(), component.bytes.len() as u64), policy]);
}

#[test]
fn the_same_component_has_the_same_layout() {
    let files = |layout: &Path| {
        let mut files = blobs(layout);
        files.extend([layout.join("index.json"), layout.join("oci-layout")]);
        files.iter().map(|file| (file.file_name().unwrap().to_owned(), fs::read(file).unwrap())).collect::<Vec<_>>()
    };
    let (_, one) = written("one", Some(POLICY));
    let (component, two) = written("two", Some(POLICY));
    assert_eq!(files(&one), files(&two));
    // And over one with another policy, of which nothing stays.
    oci::write(&two, &component, None).unwrap();
    oci::write(&two, &component, Some(POLICY)).unwrap();
    assert_eq!(files(&one), files(&two));
}

#[test]
fn whatever_is_changed_is_noticed() {
    let (_, layout) = written("changed", Some(POLICY));
    for blob in blobs(&layout) {
        let good = fs::read(&blob).unwrap();
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        for bad in [flipped, [good.as_slice(), b" "].concat(), Vec::new()] {
            fs::write(&blob, bad).unwrap();
            assert!(oci::read(&layout).is_err(), "{}", blob.display());
        }
        fs::remove_file(&blob).unwrap();
        assert!(oci::read(&layout).unwrap_err().to_string().contains("missing"));
        fs::write(&blob, good).unwrap();
    }
    let index = fs::read_to_string(layout.join("index.json")).unwrap();
    for (from, to) in [("sha256:", "sha256:../"), ("oci.image.manifest", "other.manifest"), ("\"size\":", "\"size\":1")] {
        assert!(index.contains(from));
        fs::write(layout.join("index.json"), index.replacen(from, to, 1)).unwrap();
        assert!(oci::read(&layout).is_err(), "{to}");
    }
    fs::write(layout.join("index.json"), &index).unwrap();
    let stranger = layout.join("blobs/sha256").join(sha256(b"stranger"));
    fs::write(&stranger, b"stranger").unwrap();
    assert!(oci::read(&layout).unwrap_err().to_string().contains("5 blobs, and 4"));
    fs::remove_file(stranger).unwrap();
    oci::read(&layout).unwrap();
}

#[test]
fn what_is_no_layout_is_not_replaced() {
    let component = built(&named()[0]);
    let elsewhere = folder("elsewhere");
    fs::write(elsewhere.join("precious"), b"").unwrap();
    let refused = oci::write(&elsewhere, &component, None).unwrap_err();
    assert!(refused.to_string().contains("no OCI layout") && elsewhere.join("precious").exists(), "{refused}");
}
