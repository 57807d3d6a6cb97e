//! An OCI image layout: a component as a registry keeps it, in a folder that `oras` and `skopeo` copy.
//!
//! Image layout and manifest are those of the OCI image specification 1.1; config and layer of the component are those of
//! the CNCF's Wasm OCI artifact layout; the layer with a policy is what Wassette reads besides.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::component::{Component, sha256};
use crate::put;

/// The media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of the list of manifests in a layout.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The media type of a component's config.
pub const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The media type of a component.
pub const COMPONENT: &str = "application/wasm";
/// The media type of Wassette's policy.
pub const POLICY: &str = "application/vnd.wasm.policy.v1+yaml";

/// When it was made: never, because the same source gives the same bytes. The layout demands a time.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// The version of the folder's form.
const LAYOUT: &str = "1.0.0";

/// Names and texts, in the order of the names.
pub type Annotations = BTreeMap<String, String>;

/// What `oci-layout` holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layout {
    image_layout_version: String,
}

/// What `index.json` holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    media_type: String,
    manifests: Vec<Descriptor>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
    annotations: Annotations,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: usize,
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    annotations: Annotations,
}

/// The config of an image with a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    /// When it was made, by RFC 3339.
    pub created: String,
    /// `wasm`.
    pub architecture: String,
    /// `wasip2`.
    pub os: String,
    /// The digests of the layers, in their order.
    pub layer_digests: Vec<String>,
    /// What stands in for the component before it is fetched.
    pub component: Names,
}

/// What a component imports and exports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// As in the component.
    pub exports: Vec<String>,
    /// As in the component.
    pub imports: Vec<String>,
}

/// Write a layout with one image: the component and, where there is one, its policy. A layout that was there goes.
///
/// # Errors
/// There is something else in its place, or the folder cannot be written.
pub fn write(folder: &Path, component: &Component, policy: Option<&[u8]>) -> Result<()> {
    if folder.exists() {
        ensure!(folder.join("oci-layout").is_file(), "{} is there and is no OCI layout", folder.display());
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot replace {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder.join("blobs/sha256")).with_context(|| format!("cannot make {}", folder.display()))?;
    let of_component = [(COMPONENT, component.file.as_str(), component.bytes.as_slice())];
    let of_policy = policy.map(|policy| (POLICY, "policy.yaml", policy));
    let layers = of_component.into_iter().chain(of_policy);
    let layers = layers.map(|(media_type, title, bytes)| blob(folder, media_type, bytes, &[("title", title)]));
    let layers: Vec<Descriptor> = layers.collect::<Result<_>>()?;
    let config = Config {
        created: CREATED.to_owned(),
        architecture: "wasm".to_owned(),
        os: "wasip2".to_owned(),
        layer_digests: layers.iter().map(|layer| layer.digest.clone()).collect(),
        component: Names { exports: component.exports.clone(), imports: component.imports.clone() },
    };
    let config = blob(folder, CONFIG, &serde_json::to_vec(&config)?, &[])?;
    let Component { name, version, license, description, source, .. } = component;
    let mut about = vec![("title", name.as_str()), ("version", version), ("licenses", license), ("description", description)];
    about.extend(source.as_deref().map(|source| ("source", source)));
    let manifest = Manifest { schema_version: 2, media_type: MANIFEST.to_owned(), config, layers, annotations: annotations(&about) };
    let manifest = blob(folder, MANIFEST, &serde_json::to_vec(&manifest)?, &[("ref.name", version)])?;
    let index = Index { schema_version: 2, media_type: INDEX.to_owned(), manifests: vec![manifest] };
    put(&folder.join("index.json"), &serde_json::to_vec(&index)?)?;
    put(&folder.join("oci-layout"), &serde_json::to_vec(&Layout { image_layout_version: LAYOUT.to_owned() })?)
}

/// Write a blob, and return its descriptor.
fn blob(folder: &Path, media_type: &str, bytes: &[u8], about: &[(&str, &str)]) -> Result<Descriptor> {
    let digest = sha256(bytes);
    put(&place(folder, &digest), bytes)?;
    let digest = format!("sha256:{digest}");
    Ok(Descriptor { media_type: media_type.to_owned(), digest, size: bytes.len(), annotations: annotations(about) })
}

/// Annotations by the names that the specification has for them.
fn annotations(about: &[(&str, &str)]) -> Annotations {
    about.iter().map(|(name, value)| (format!("org.opencontainers.image.{name}"), (*value).to_owned())).collect()
}

fn place(folder: &Path, digest: &str) -> PathBuf {
    folder.join("blobs/sha256").join(digest)
}

/// An image as it was read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    /// The tag in the layout, which is the component's version.
    pub tag: String,
    /// The manifest's annotations.
    pub annotations: Annotations,
    /// The config.
    pub config: Config,
    /// Media type and content of each layer.
    pub layers: Vec<(String, Vec<u8>)>,
}

/// Read the one image of a layout, and hold every size, digest and media type against what it is.
///
/// # Errors
/// A file is missing or is not what its descriptor says, or there is one that nothing describes.
pub fn read(folder: &Path) -> Result<Image> {
    let layout: Layout = parsed(&std::fs::read(folder.join("oci-layout")).context("it has no oci-layout")?, "oci-layout")?;
    ensure!(layout.image_layout_version == LAYOUT, "it is of another version");
    let index: Index = parsed(&std::fs::read(folder.join("index.json")).context("it has no index.json")?, "index.json")?;
    let [of_manifest] = index.manifests.as_slice() else { bail!("it has {} images", index.manifests.len()) };
    let manifest: Manifest = parsed(&described(folder, of_manifest, MANIFEST)?, "the manifest")?;
    let config: Config = parsed(&described(folder, &manifest.config, CONFIG)?, "the config")?;
    let digests: Vec<&String> = manifest.layers.iter().map(|layer| &layer.digest).collect();
    ensure!(config.layer_digests.iter().eq(digests), "the config has other digests of the layers");
    let mut layers = Vec::new();
    for (layer, media_type) in manifest.layers.iter().zip([COMPONENT, POLICY]) {
        layers.push((media_type.to_owned(), described(folder, layer, media_type)?));
    }
    ensure!(layers.len() == manifest.layers.len() && !layers.is_empty(), "it has {} layers", manifest.layers.len());
    let blobs = std::fs::read_dir(folder.join("blobs/sha256")).context("it has no blobs")?.count();
    ensure!(blobs == layers.len() + 2, "it has {blobs} blobs, and {} are described", layers.len() + 2);
    let tag = of_manifest.annotations.get("org.opencontainers.image.ref.name").context("the image has no tag")?;
    Ok(Image { tag: tag.clone(), annotations: manifest.annotations, config, layers })
}

fn parsed<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T> {
    serde_json::from_slice(bytes).with_context(|| format!("{what} has another form"))
}

/// The blob of a descriptor.
fn described(folder: &Path, descriptor: &Descriptor, media_type: &str) -> Result<Vec<u8>> {
    ensure!(descriptor.media_type == media_type, "{} is no {media_type}", descriptor.media_type);
    let digest = descriptor.digest.strip_prefix("sha256:").context("a digest is no SHA-256")?;
    // It becomes a path.
    ensure!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "a digest is no SHA-256");
    let bytes = std::fs::read(place(folder, digest)).with_context(|| format!("the blob {digest} is missing"))?;
    ensure!(descriptor.size == bytes.len(), "the blob {digest} has {} bytes, not {}", bytes.len(), descriptor.size);
    ensure!(sha256(&bytes) == digest, "the blob {digest} has another content");
    Ok(bytes)
}
